// SPDX-License-Identifier: Apache-2.0
//
// portcam_command_fetch: reads host memory: commands ahead of their execution, and what a command
// in work needs.
//
// Commands: from index 0 after a flush up to the doorbell, in bursts of at most 16 that never pass
// a multiple of 16 entries (so never a 4 KiB boundary and never the ring's end). Room for every
// beat is reserved before the burst is asked for, so m_axi_rready_o is always high. Up to 64
// commands are in flight or held. A beat with an error response leaves as a command with
// command_bad_o in its place; those before it are good.
//
// Data: data_valid_i with data_addr_i and data_beats_i (1 to 16, never past a 4 KiB boundary) is
// read when no commands are in flight; data_beat_o pulses in each clock in which a beat is on
// m_axi_rdata_i, data_error_o tells an error response, data_last_o the last beat. The request holds
// until then.
//
// flush_i (a level) forgets everything; beats still to come are taken and dropped. idle_o: nothing
// is in flight. A request on the bus holds until it is taken, through a flush too. Nothing but
// rst_ni breaks a bus transaction off.

`default_nettype none

module portcam_command_fetch (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flush_i,
    input  logic         fetch_i,
    input  logic [63:0]  base_i,
    input  logic [16:0]  size_i,
    input  logic [15:0]  mask_i,
    input  logic [31:0]  doorbell_i,
    output logic         idle_o,
    output logic         command_valid_o,
    input  logic         command_take_i,
    output logic         command_bad_o,
    output logic [511:0] command_o,
    input  logic         data_valid_i,
    input  logic [63:0]  data_addr_i,
    input  logic [4:0]   data_beats_i,
    output logic         data_beat_o,
    output logic         data_last_o,
    output logic         data_error_o,
    output logic [63:0]  m_axi_araddr_o,
    output logic [7:0]   m_axi_arlen_o,
    output logic         m_axi_arvalid_o,
    input  logic         m_axi_arready_i,
    input  logic [511:0] m_axi_rdata_i,
    input  logic [1:0]   m_axi_rresp_i,
    input  logic         m_axi_rlast_i,
    input  logic         m_axi_rvalid_i,
    output logic         m_axi_rready_o
);

  localparam int unsigned Held = 64;

  typedef enum logic [1:0] {
    StMeasure = 2'd0,  // how far the doorbell is, and where the next entry lies
    StPlan    = 2'd1,  // how long the burst may be, and whether there is room for it
    StAddress = 2'd2   // the request is on the bus
  } state_e;

  state_e      state_q;
  logic [31:0] index_q;        // entry that is asked for next
  logic [6:0]  room_q;         // commands that may still be asked for
  logic [6:0]  bursts_q;       // bursts whose last beat has not come
  logic        data_q;         // the burst in flight is data
  logic        arvalid_q;
  logic [63:0] araddr_q;
  logic [4:0]  arlen_q;        // beats

  logic [31:0] ahead_q;
  logic [63:0] addr;
  logic [63:0] addr_q;
  logic        in_ring;
  logic [4:0]  to_edge;
  logic [4:0]  beats;
  logic        ask_commands;
  logic        ask_data;
  logic        asked;          // for commands, which are counted now
  logic        beat;
  logic        push;
  logic        pop;
  logic        push_ready;
  logic [6:0]  level;

  portcam_address_sum u_addr (
      .clk_i    (clk_i),
      .base_i   (base_i),
      .offset_i ({10'b0, index_q[15:0] & mask_i, 6'b0}),
      .address_o(addr)
  );

  assign in_ring      = ahead_q != '0 && ahead_q <= {15'b0, size_i};
  assign to_edge      = 5'd16 - {1'b0, index_q[3:0]};
  assign beats        = (ahead_q[31:5] == '0 && ahead_q[4:0] < to_edge) ? ahead_q[4:0] : to_edge;
  assign ask_data     = state_q == StPlan && data_valid_i && bursts_q == '0 && !flush_i;
  assign ask_commands = state_q == StPlan && !data_valid_i && fetch_i && in_ring &&
                        room_q >= {2'b0, beats} && !flush_i;
  assign asked        = state_q == StAddress && m_axi_arready_i && !data_q;
  assign beat         = m_axi_rvalid_i && m_axi_rready_o;
  assign push         = beat && !data_q && !flush_i;
  assign pop          = command_valid_o && command_take_i;
  assign idle_o       = state_q == StMeasure && bursts_q == '0;

  assign m_axi_arvalid_o = arvalid_q;
  assign m_axi_araddr_o  = araddr_q;
  assign m_axi_arlen_o   = {3'b0, arlen_q} - 8'd1;
  assign m_axi_rready_o  = 1'b1;

  assign data_beat_o  = beat && data_q && !flush_i;
  assign data_last_o  = m_axi_rlast_i;
  assign data_error_o = m_axi_rresp_i[1];

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      StMeasure: begin
        if (!flush_i) begin
          state_q <= StPlan;
        end
      end
      StPlan: state_q <= (ask_data || ask_commands) ? StAddress : StMeasure;
      StAddress: begin
        if (m_axi_arready_i) begin
          state_q   <= StMeasure;
          arvalid_q <= 1'b0;
        end
      end
      default: state_q <= StMeasure;
    endcase
    if (ask_data || ask_commands) begin
      arvalid_q <= 1'b1;
      data_q    <= ask_data;
    end
    if (asked) begin
      index_q <= index_q + {27'b0, arlen_q};
    end
    bursts_q <= bursts_q + {6'b0, ask_data || ask_commands} - {6'b0, beat && m_axi_rlast_i};
    room_q   <= room_q - (asked ? {2'b0, arlen_q} : 7'd0) + {6'b0, pop};
    if (flush_i) begin
      index_q <= '0;
      room_q  <= 7'(Held);
    end
    if (!rst_ni) begin
      state_q   <= StMeasure;
      arvalid_q <= 1'b0;
      data_q    <= 1'b0;
      bursts_q  <= '0;
      room_q    <= 7'(Held);
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StMeasure) begin
      ahead_q <= doorbell_i - index_q;
      addr_q  <= addr;
    end
    if (ask_data) begin
      araddr_q <= data_addr_i;
      arlen_q  <= data_beats_i;
    end else if (ask_commands) begin
      araddr_q <= addr_q;
      arlen_q  <= beats;
    end
  end

  portcam_fifo #(
      .Width(513),
      .Depth(Held)
  ) u_commands (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni && !flush_i),
      .push_valid_i(push),
      .push_ready_o(push_ready),
      .push_data_i ({m_axi_rresp_i[1], m_axi_rdata_i}),
      .pop_valid_o (command_valid_o),
      .pop_ready_i (command_take_i),
      .pop_data_o  ({command_bad_o, command_o}),
      .level_o     (level)
  );

  logic unused_response_bit;
  assign unused_response_bit = ^{m_axi_rresp_i[0], level, push_ready};

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_room_was_reserved : assert (!push || push_ready);
      a_beats_only_when_asked : assert (!beat || bursts_q != '0);
      a_request_within_4k :
      assert (!arvalid_q || {1'b0, araddr_q[11:6]} + {2'b0, arlen_q} <= 7'd64);
      a_data_alone : assert (!(data_q && arvalid_q) || bursts_q == 7'd1);
    end
  end
`endif

endmodule

`resetall
