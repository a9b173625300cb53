// SPDX-License-Identifier: Apache-2.0
//
// portcam_registers: the AXI4-Lite port of the card and the registers of docs/registers.md.
//
// Promises: every access is answered with OKAY; registers that are not listed read 0 and ignore
// writes; a write counts only with all four byte strobes; a write takes effect in the clock in
// which s_axil_bvalid_o rises; a read is answered four clocks after its address was taken with what
// the register held two clocks before the answer. One write and one read are in work at a time,
// independent of each other. flr_i puts the registers to their reset values; a bus transaction goes
// on through it.
//
// What the registers mean to the ring is not decided here: the file only tells of writes
// (enable_rise_o and arm_write_o are high in the clock in which the new value is first seen). A
// rising ENABLE sets the doorbell and CPL_HEAD to 0 in the same clock.
//
// Pages that are kept elsewhere: page_write_o tells of every write that counts, page_read_o asks for
// the register at page_read_addr_o; page_word_i is it in the next clock, 0 if nobody has it.

`default_nettype none

module portcam_registers #(
    parameter int unsigned Functions           = portcam_pkg::BuildFunctions,
    parameter int unsigned Domains             = portcam_pkg::BuildDomains,
    parameter int unsigned Addresses           = portcam_pkg::BuildAddresses,
    parameter int unsigned Services            = portcam_pkg::BuildServices,
    parameter int unsigned Backends            = portcam_pkg::BuildBackends,
    parameter int unsigned EndpointWays        = portcam_pkg::BuildEndpointWays,
    parameter int unsigned EndpointRows        = portcam_pkg::BuildEndpointRows,
    parameter int unsigned EndpointAnyPortRows = portcam_pkg::BuildEndpointAnyPortRows,
    parameter int unsigned EndpointAnyRows     = portcam_pkg::BuildEndpointAnyRows,
    parameter int unsigned ConnectionRows      = portcam_pkg::BuildConnectionRows,
    parameter int unsigned ConnectionRowsV6    = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned ConnectionStash     = portcam_pkg::BuildConnectionStash,
    parameter int unsigned ScheduleRows        = portcam_pkg::BuildScheduleRows,
    parameter int unsigned MaxFrame            = portcam_pkg::BuildMaxFrame,
    parameter logic [31:0] BuildId             = 32'h0,
    parameter int unsigned Others              = 2  // who else has DMA errors to tell
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flr_i,
    input  logic [31:0]  time_ms_i,
    input  logic [15:0]  s_axil_awaddr_i,
    input  logic         s_axil_awvalid_i,
    output logic         s_axil_awready_o,
    input  logic [31:0]  s_axil_wdata_i,
    input  logic [3:0]   s_axil_wstrb_i,
    input  logic         s_axil_wvalid_i,
    output logic         s_axil_wready_o,
    output logic [1:0]   s_axil_bresp_o,
    output logic         s_axil_bvalid_o,
    input  logic         s_axil_bready_i,
    input  logic [15:0]  s_axil_araddr_i,
    input  logic         s_axil_arvalid_i,
    output logic         s_axil_arready_o,
    output logic [31:0]  s_axil_rdata_o,
    output logic [1:0]   s_axil_rresp_o,
    output logic         s_axil_rvalid_o,
    input  logic         s_axil_rready_i,
    // State that is only shown.
    input  logic         ready_i,
    input  logic         change_open_i,
    input  logic         bank_i,
    input  logic         running_i,
    input  logic         error_i,
    input  logic [7:0]   reason_i,
    input  logic [31:0]  head_i,
    input  logic [31:0]  tail_i,
    input  logic         dma_error_i,
    input  logic [63:0]  dma_error_addr_i,
    input  logic [Others-1:0]    other_error_i,
    input  logic [Others*64-1:0] other_error_addr_i,
    input  logic [31:0]  used_i,
    input  logic [31:0]  embryonic_i,
    // Registers that are kept elsewhere.
    output logic         page_write_o,
    output logic [15:0]  page_write_addr_o,
    output logic [31:0]  page_write_data_o,
    output logic         page_read_o,
    output logic [15:0]  page_read_addr_o,
    input  logic [31:0]  page_word_i,
    // What the host has set.
    output logic [31:0]  hash_seed_o,
    output logic         hold_o,
    output logic [255:0] secret_o,  // word 0 in the lowest bits
    output logic [63:0]  cmd_base_o,
    output logic [63:0]  cpl_base_o,
    output logic [7:0]   log2_o,
    output logic         enable_o,
    output logic         enable_rise_o,
    output logic [31:0]  doorbell_o,
    output logic [31:0]  cpl_head_o,
    output logic [31:0]  arm_o,
    output logic         arm_write_o
);

  localparam bit Stateful = ConnectionRows != 0;
  localparam logic [31:0] Caps = (32'd1 << portcam_pkg::CapsIpv6Lsb) |
                                 (32'd1 << portcam_pkg::CapsStaticLsb) |
                                 (32'd1 << portcam_pkg::CapsDeliverLsb) |
                                 (32'd1 << portcam_pkg::CapsRejectLsb) |
                                 (32'd1 << portcam_pkg::CapsPuntLsb) |
                                 (32'd1 << portcam_pkg::CapsTraceLsb) |
                                 (32'(Stateful) << portcam_pkg::CapsMirrorLsb) |
                                 (32'(Stateful) << portcam_pkg::CapsStatefulLsb);
  localparam logic [31:0] CapFrame =
      (32'(portcam_pkg::BuildWindow) << portcam_pkg::CapFrameWindowLsb) |
      (32'(MaxFrame) << portcam_pkg::CapFrameMaxFrameLsb);
  localparam logic [31:0] CapUnits =
      (32'(Functions) << portcam_pkg::CapUnitsFunctionsLsb) |
      (32'd1 << portcam_pkg::CapUnitsRingsLsb) |
      (32'(portcam_pkg::BuildVectors) << portcam_pkg::CapUnitsVectorsLsb);
  localparam logic [31:0] Ways  = 32'(EndpointWays) << portcam_pkg::CapEndpointsWaysLsb;
  localparam logic [31:0] Stash = 32'(ConnectionStash) << portcam_pkg::CapConnectionsStashLsb;
  localparam logic [31:0] CapConnections = Stateful ? Stash | 32'(ConnectionRows) : 32'd0;
  localparam logic [31:0] CapConnectionsV6 = Stateful ? Stash | 32'(ConnectionRowsV6) : 32'd0;

  //------------------------------------------------------------------------------------------------
  // Writes: address and data are held as they come; when both are there, the write happens.

  logic        aw_held_q;
  logic [15:0] aw_addr_q;
  logic        w_held_q;
  logic [31:0] w_data_q;
  logic        w_full_q;   // all byte strobes
  logic        b_valid_q;
  logic        write;      // both halves are there and the answer has room
  logic        write_full; // and it counts

  assign s_axil_awready_o = !aw_held_q;
  assign s_axil_wready_o  = !w_held_q;
  assign s_axil_bvalid_o  = b_valid_q;
  assign s_axil_bresp_o   = 2'b00;
  assign write            = aw_held_q && w_held_q && (!b_valid_q || s_axil_bready_i);
  assign write_full       = write && w_full_q;

  always_ff @(posedge clk_i) begin
    if (s_axil_awvalid_i && s_axil_awready_o) begin
      aw_held_q <= 1'b1;
    end else if (write) begin
      aw_held_q <= 1'b0;
    end
    if (s_axil_wvalid_i && s_axil_wready_o) begin
      w_held_q <= 1'b1;
    end else if (write) begin
      w_held_q <= 1'b0;
    end
    if (write) begin
      b_valid_q <= 1'b1;
    end else if (s_axil_bready_i) begin
      b_valid_q <= 1'b0;
    end
    if (!rst_ni) begin
      aw_held_q <= 1'b0;
      w_held_q  <= 1'b0;
      b_valid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (s_axil_awready_o) begin
      aw_addr_q <= {s_axil_awaddr_i[15:2], 2'b00};
    end
    if (s_axil_wready_o) begin
      w_data_q <= s_axil_wdata_i;
      w_full_q <= &s_axil_wstrb_i;
    end
  end

  //------------------------------------------------------------------------------------------------
  // The registers.

  logic [31:0]  hash_seed_q;
  logic [31:0]  scratch_q;
  logic [255:0] secret_q;
  logic [31:0]  cmd_base_lo_q;
  logic [31:0]  cmd_base_hi_q;
  logic [31:0]  cpl_base_lo_q;
  logic [31:0]  cpl_base_hi_q;
  logic [7:0]   log2_q;
  logic         enable_q;
  logic         enable_rise_q;
  logic [31:0]  doorbell_q;
  logic [31:0]  cpl_head_q;
  logic [31:0]  arm_q;
  logic         arm_write_q;
  logic [63:0]  error_addr_q;
  logic [31:0]  error_count_q;
  logic         enable_rise;
  logic [31:0]  errors;

  assign enable_rise = write_full && aw_addr_q == portcam_pkg::RegCmdControl &&
                       w_data_q[portcam_pkg::CmdControlEnableLsb] && !enable_q;

  always_comb begin
    errors = 32'(dma_error_i);
    for (int unsigned i = 0; i < Others; i++) begin
      errors = errors + 32'(other_error_i[i]);
    end
  end

  always_ff @(posedge clk_i) begin
    enable_rise_q <= enable_rise;
    arm_write_q   <= write_full && aw_addr_q == portcam_pkg::RegCmdArm;
    if (write_full) begin
      case (aw_addr_q)
        portcam_pkg::RegHashSeed:    hash_seed_q   <= w_data_q;
        portcam_pkg::RegScratch:     scratch_q     <= w_data_q;
        portcam_pkg::RegCmdBaseLo:   cmd_base_lo_q <= w_data_q;
        portcam_pkg::RegCmdBaseHi:   cmd_base_hi_q <= w_data_q;
        portcam_pkg::RegCplBaseLo:   cpl_base_lo_q <= w_data_q;
        portcam_pkg::RegCplBaseHi:   cpl_base_hi_q <= w_data_q;
        portcam_pkg::RegCmdSize:     log2_q        <= w_data_q[portcam_pkg::CmdSizeLog2Lsb+:8];
        portcam_pkg::RegCmdControl:  enable_q      <= w_data_q[portcam_pkg::CmdControlEnableLsb];
        portcam_pkg::RegCmdDoorbell: doorbell_q    <= w_data_q;
        portcam_pkg::RegCplHead:     cpl_head_q    <= w_data_q;
        portcam_pkg::RegCmdArm:      arm_q         <= w_data_q;
        default: begin
        end
      endcase
    end
    for (int unsigned i = 0; i < 8; i++) begin
      if (write_full && aw_addr_q == portcam_pkg::RegSecret0 + 16'(4 * i)) begin
        secret_q[32*i+:32] <= w_data_q;
      end
    end
    if (enable_rise) begin
      doorbell_q <= '0;
      cpl_head_q <= '0;
    end
    for (int unsigned i = 0; i < Others; i++) begin
      if (other_error_i[i]) begin
        error_addr_q <= other_error_addr_i[i*64+:64];
      end
    end
    if (dma_error_i) begin
      error_addr_q <= dma_error_addr_i;
    end
    error_count_q <= error_count_q + errors;
    if (!rst_ni || flr_i) begin
      hash_seed_q   <= '0;
      scratch_q     <= '0;
      secret_q      <= '0;
      cmd_base_lo_q <= '0;
      cmd_base_hi_q <= '0;
      cpl_base_lo_q <= '0;
      cpl_base_hi_q <= '0;
      log2_q        <= '0;
      enable_q      <= 1'b0;
      enable_rise_q <= 1'b0;
      doorbell_q    <= '0;
      cpl_head_q    <= '0;
      arm_q         <= '0;
      arm_write_q   <= 1'b0;
      error_addr_q  <= '0;
      error_count_q <= '0;
    end
  end

  // Packets wait until a time; a reset of the function changes nothing of it.
  logic        hold_q;
  logic [31:0] hold_until_q;
  logic [31:0] hold_left;

  assign hold_left = hold_until_q - time_ms_i;

  always_ff @(posedge clk_i) begin
    if (write_full && aw_addr_q == portcam_pkg::RegHold) begin
      hold_q       <= w_data_q[15:0] != '0;
      hold_until_q <= time_ms_i + 32'(w_data_q[15:0]);
    end else if (hold_left == '0 || hold_left[31]) begin
      hold_q <= 1'b0;
    end
    if (!rst_ni) begin
      hold_q <= 1'b0;
    end
  end

  assign hold_o        = hold_q;
  assign hash_seed_o   = hash_seed_q;
  assign secret_o      = secret_q;
  assign cmd_base_o    = {cmd_base_hi_q, cmd_base_lo_q};
  assign cpl_base_o    = {cpl_base_hi_q, cpl_base_lo_q};
  assign log2_o        = log2_q;
  assign enable_o      = enable_q;
  assign enable_rise_o = enable_rise_q;
  assign doorbell_o    = doorbell_q;
  assign cpl_head_o    = cpl_head_q;
  assign arm_o         = arm_q;
  assign arm_write_o   = arm_write_q;

  //------------------------------------------------------------------------------------------------
  // Reads: clock 1 the address, clock 2 the word of each page, clock 3 the choice of the page.

  logic        ar_busy_q;
  logic [15:0] ar_addr_q;
  logic [1:0]  ar_step_q;
  logic [31:0] id_word_q;
  logic [31:0] cmd_word_q;
  logic [31:0] r_data_q;
  logic        r_valid_q;

  assign s_axil_arready_o = !ar_busy_q;
  assign s_axil_rvalid_o  = r_valid_q;
  assign s_axil_rdata_o   = r_data_q;
  assign s_axil_rresp_o   = 2'b00;

  function automatic logic [31:0] id_word(input logic [15:0] addr);
    case (addr)
      portcam_pkg::RegMagic:                 id_word = portcam_pkg::Magic;
      portcam_pkg::RegVersion:               id_word = {portcam_pkg::InterfaceMajor,
                                                        portcam_pkg::InterfaceMinor};
      portcam_pkg::RegBuildId:               id_word = BuildId;
      portcam_pkg::RegCaps:                  id_word = Caps;
      portcam_pkg::RegCapFrame:              id_word = CapFrame;
      portcam_pkg::RegCapUnits:              id_word = CapUnits;
      portcam_pkg::RegCapDomains:            id_word = 32'(Domains);
      portcam_pkg::RegCapAddresses:          id_word = 32'(Addresses);
      portcam_pkg::RegCapServices:           id_word = 32'(Services);
      portcam_pkg::RegCapBackends:           id_word = 32'(Backends);
      portcam_pkg::RegCapEndpoints:          id_word = Ways | 32'(EndpointRows);
      portcam_pkg::RegCapEndpointsAnyPort:   id_word = Ways | 32'(EndpointAnyPortRows);
      portcam_pkg::RegCapEndpointsAny:       id_word = Ways | 32'(EndpointAnyRows);
      portcam_pkg::RegCapConnections:        id_word = CapConnections;
      portcam_pkg::RegCapConnectionsV6:      id_word = CapConnectionsV6;
      portcam_pkg::RegCapSchedule:           id_word = 32'(ScheduleRows);
      portcam_pkg::RegStatus:                id_word = {28'b0, error_i, bank_i, change_open_i,
                                                        ready_i};
      portcam_pkg::RegErrorAddrLo:           id_word = error_addr_q[31:0];
      portcam_pkg::RegErrorAddrHi:           id_word = error_addr_q[63:32];
      portcam_pkg::RegErrorCount:            id_word = error_count_q;
      portcam_pkg::RegHashSeed:              id_word = hash_seed_q;
      portcam_pkg::RegTimeMs:                id_word = time_ms_i;
      portcam_pkg::RegScratch:               id_word = scratch_q;
      portcam_pkg::RegHold:                  id_word = hold_q ? hold_left : '0;
      portcam_pkg::RegConnectionsUsed:       id_word = used_i;
      portcam_pkg::RegConnectionsEmbryonic:  id_word = embryonic_i;
      default:                               id_word = '0;
    endcase
  endfunction

  function automatic logic [31:0] cmd_word(input logic [15:0] addr);
    case (addr)
      portcam_pkg::RegCmdBaseLo:   cmd_word = cmd_base_lo_q;
      portcam_pkg::RegCmdBaseHi:   cmd_word = cmd_base_hi_q;
      portcam_pkg::RegCplBaseLo:   cmd_word = cpl_base_lo_q;
      portcam_pkg::RegCplBaseHi:   cmd_word = cpl_base_hi_q;
      portcam_pkg::RegCmdSize:     cmd_word = {24'b0, log2_q};
      portcam_pkg::RegCmdControl:  cmd_word = {31'b0, enable_q};
      portcam_pkg::RegCmdStatus:   cmd_word = {16'b0, reason_i, 6'b0, error_i, running_i};
      portcam_pkg::RegCmdDoorbell: cmd_word = doorbell_q;
      portcam_pkg::RegCmdHead:     cmd_word = head_i;
      portcam_pkg::RegCplTail:     cmd_word = tail_i;
      portcam_pkg::RegCplHead:     cmd_word = cpl_head_q;
      portcam_pkg::RegCmdArm:      cmd_word = arm_q;
      default:                     cmd_word = '0;
    endcase
  endfunction

  always_ff @(posedge clk_i) begin
    ar_step_q  <= {ar_step_q[0], s_axil_arvalid_i && s_axil_arready_o};
    if (ar_step_q[0]) begin
      id_word_q  <= id_word(ar_addr_q);
      cmd_word_q <= cmd_word(ar_addr_q);
    end
    if (s_axil_arready_o && s_axil_arvalid_i) begin
      ar_addr_q <= {s_axil_araddr_i[15:2], 2'b00};
    end
    if (ar_step_q[1]) begin
      r_data_q <= id_word_q | cmd_word_q | page_word_i;
    end
    if (s_axil_arvalid_i && s_axil_arready_o) begin
      ar_busy_q <= 1'b1;
    end else if (r_valid_q && s_axil_rready_i) begin
      ar_busy_q <= 1'b0;
    end
    if (ar_step_q[1]) begin
      r_valid_q <= 1'b1;
    end else if (s_axil_rready_i) begin
      r_valid_q <= 1'b0;
    end
    if (!rst_ni) begin
      ar_busy_q <= 1'b0;
      ar_step_q <= '0;
      r_valid_q <= 1'b0;
    end
  end

  assign page_write_o      = write_full;
  assign page_write_addr_o = aw_addr_q;
  assign page_write_data_o = w_data_q;
  assign page_read_o       = ar_step_q[0];
  assign page_read_addr_o  = ar_addr_q;

  logic unused_address_bits;
  assign unused_address_bits = ^{s_axil_awaddr_i[1:0], s_axil_araddr_i[1:0]};

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_one_read_at_a_time : assert (!r_valid_q || ar_busy_q);
      a_enable_rises_to_one : assert (!enable_rise_q || enable_q);
    end
  end
`endif

endmodule

`resetall
