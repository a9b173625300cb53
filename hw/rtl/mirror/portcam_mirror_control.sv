// SPDX-License-Identifier: Apache-2.0
//
// portcam_mirror_control: the registers of page 0x2000, and the life of the mirror.
//
// A rising ENABLE starts it (start_o for one clock, run_o from the next clock on) with copies of
// base, event base, size and EVENTS as they are then; if they are out of range it stops with bad_ring.
// It stops when ENABLE is 0, by a reset of the function, and by a write that fails (fail_i). Then
// run_o is low, and until quiet_i the mirror still waits for what is on its way; a write that fails
// then is an error like any other. Marks that are left are cleared after that (clear_o, until
// clear_busy_i is low; clean_i: there are none). A rising ENABLE that comes before the end of that
// waits (soon_o); ERROR and REASON are already those of the mirror to come.
//
// Vector 1: EVENT_ARM arms; it is raised once, when EVENT_TAIL is beyond the index (as a signed
// difference), at once if it already is, or when an event is dropped after the write. ENABLE and
// reset disarm. Registers: the page bus of portcam_registers.

`default_nettype none

module portcam_mirror_control (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        flr_i,
    input  logic        page_write_i,
    input  logic [15:0] page_write_addr_i,
    input  logic [31:0] page_write_data_i,
    input  logic        page_read_i,
    input  logic [15:0] page_read_addr_i,
    output logic [31:0] page_word_o,
    output logic        start_o,
    output logic        run_o,
    output logic        soon_o,
    output logic        clear_o,
    output logic [3:0]  started_o,     // counts the starts, for verification
    output logic [63:0] base_o,
    output logic [63:0] event_base_o,
    output logic [4:0]  event_log2_o,
    output logic        events_o,
    output logic [31:0] event_head_o,
    input  logic        quiet_i,
    input  logic        clean_i,
    input  logic        clear_busy_i,
    input  logic        pending_i,
    input  logic        fail_i,
    input  logic [31:0] version_i,
    input  logic [31:0] event_tail_i,
    input  logic [31:0] event_dropped_i,
    input  logic        event_drop_i,
    output logic        raise_events_o,
    output logic        raise_errors_o
);

  //------------------------------------------------------------------------------------------------
  // What the host has set.

  logic [63:0] base_q;
  logic [63:0] event_base_q;
  logic [7:0]  log2_q;
  logic        enable_q;
  logic        events_q;
  logic        rise_q;
  logic [31:0] head_q;
  logic [31:0] arm_q;
  logic        arm_write_q;
  logic        write_control;
  logic        rise;

  assign write_control = page_write_i && page_write_addr_i == portcam_pkg::RegMirrorControl;
  assign rise          = write_control && !enable_q &&
                         page_write_data_i[portcam_pkg::MirrorControlEnableLsb];

  always_ff @(posedge clk_i) begin
    rise_q      <= rise;
    arm_write_q <= page_write_i && page_write_addr_i == portcam_pkg::RegEventArm;
    if (page_write_i) begin
      case (page_write_addr_i)
        portcam_pkg::RegMirrorBaseLo: base_q[31:0]         <= page_write_data_i;
        portcam_pkg::RegMirrorBaseHi: base_q[63:32]        <= page_write_data_i;
        portcam_pkg::RegEventBaseLo:  event_base_q[31:0]   <= page_write_data_i;
        portcam_pkg::RegEventBaseHi:  event_base_q[63:32]  <= page_write_data_i;
        portcam_pkg::RegEventSize:    log2_q <= page_write_data_i[portcam_pkg::EventSizeLog2Lsb+:8];
        portcam_pkg::RegEventHead:    head_q               <= page_write_data_i;
        portcam_pkg::RegEventArm:     arm_q                <= page_write_data_i;
        portcam_pkg::RegMirrorControl: begin
          enable_q <= page_write_data_i[portcam_pkg::MirrorControlEnableLsb];
          events_q <= page_write_data_i[portcam_pkg::MirrorControlEventsLsb];
        end
        default: begin
        end
      endcase
    end
    if (rise) begin
      head_q <= '0;
    end
    if (!rst_ni || flr_i) begin
      base_q       <= '0;
      event_base_q <= '0;
      log2_q       <= '0;
      enable_q     <= 1'b0;
      events_q     <= 1'b0;
      rise_q       <= 1'b0;
      head_q       <= '0;
      arm_q        <= '0;
      arm_write_q  <= 1'b0;
    end
  end

  assign event_head_o = head_q;

  //------------------------------------------------------------------------------------------------
  // Its life. What EVENTS, bases and size were when ENABLE rose is taken in the clock after it.

  typedef enum logic [2:0] {
    StOff   = 3'd0,
    StStart = 3'd1,  // base and size are checked
    StRun   = 3'd2,
    StStop  = 3'd3,  // writes and copies are on their way
    StClear = 3'd4   // marks are cleared
  } state_e;

  state_e      state_q;
  logic        soon_q;
  logic        error_q;
  logic [7:0]  reason_q;
  logic [3:0]  started_q;
  logic        bad_q;
  logic [63:0] taken_base_q;
  logic [63:0] taken_event_base_q;
  logic [4:0]  taken_log2_q;
  logic        taken_events_q;
  logic        fresh_q;        // nothing has run since ENABLE rose: version, tail and count show 0
  logic        failed;

  assign failed = (state_q == StStart && bad_q) || fail_i;

  always_ff @(posedge clk_i) begin
    if (rise_q) begin
      taken_base_q       <= base_q;
      taken_event_base_q <= event_base_q;
      taken_log2_q       <= log2_q[4:0];
      taken_events_q     <= events_q;
      bad_q              <= base_q[11:0] != '0 ||
                            (events_q && (event_base_q[11:0] != '0 || log2_q < 8'd2 ||
                                          log2_q > 8'd16));
    end
  end

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      StOff: begin
        if (soon_q && enable_q && !rise_q && !clear_busy_i) begin
          state_q   <= StStart;
          soon_q    <= 1'b0;
        end
      end
      StStart: begin
        state_q   <= bad_q || !enable_q || soon_q ? StOff : StRun;
        fresh_q   <= bad_q || !enable_q || soon_q;
        started_q <= started_q + 4'(!(bad_q || !enable_q || soon_q));
      end
      StRun: begin
        if (fail_i || !enable_q || soon_q) begin
          state_q <= StStop;
        end
      end
      StStop: begin
        if (quiet_i) begin
          state_q <= clean_i ? StOff : StClear;
        end
      end
      StClear: begin
        if (clean_i && !clear_busy_i) begin
          state_q <= StOff;
        end
      end
      default: state_q <= StOff;
    endcase
    if (failed && !soon_q) begin
      error_q  <= 1'b1;
      reason_q <= state_q == StStart ? portcam_pkg::StatusBadRing
                                     : portcam_pkg::StatusDmaWriteError;
    end
    if (!enable_q) begin
      soon_q <= 1'b0;
    end
    if (rise_q) begin
      soon_q   <= 1'b1;
      fresh_q  <= 1'b1;
      error_q  <= 1'b0;
      reason_q <= '0;
    end
    if (flr_i) begin
      state_q  <= state_q == StOff || state_q == StStart ? StOff : StStop;
      soon_q   <= 1'b0;
      fresh_q  <= 1'b1;
      error_q  <= 1'b0;
      reason_q <= '0;
    end
    if (!rst_ni) begin
      state_q   <= StOff;
      soon_q    <= 1'b0;
      fresh_q   <= 1'b1;
      error_q   <= 1'b0;
      reason_q  <= '0;
      started_q <= '0;
    end
  end

  assign start_o      = state_q == StStart;
  assign run_o        = state_q == StRun;
  assign soon_o       = soon_q || rise_q || state_q == StStart;
  assign clear_o      = state_q == StStop && quiet_i && !clean_i;
  assign started_o    = started_q;
  assign base_o       = taken_base_q;
  assign event_base_o = taken_event_base_q;
  assign event_log2_o = taken_log2_q;
  assign events_o     = taken_events_q;

  //------------------------------------------------------------------------------------------------
  // Arming. The difference is one clock late, so it belongs to the index from the second clock of
  // arm_q on.

  logic        armed_q;
  logic        settled_q;
  logic        beyond_q;
  logic        dropped_q;
  logic [31:0] tail;
  logic [31:0] ahead;
  logic        fire;

  assign tail  = fresh_q ? '0 : event_tail_i;
  assign ahead = tail - arm_q;
  assign fire  = armed_q && ((settled_q && beyond_q) || dropped_q) && !rise_q && !arm_write_q;

  always_ff @(posedge clk_i) begin
    beyond_q  <= !ahead[31] && ahead != '0;
    settled_q <= armed_q;
    dropped_q <= event_drop_i || (dropped_q && armed_q);
    if (arm_write_q) begin
      armed_q   <= 1'b1;
      settled_q <= 1'b0;
      dropped_q <= event_drop_i;
    end else if (rise_q || fire) begin
      armed_q <= 1'b0;
    end
    if (!rst_ni || flr_i) begin
      armed_q   <= 1'b0;
      dropped_q <= 1'b0;
    end
  end

  assign raise_events_o = fire;
  assign raise_errors_o = failed;

  //------------------------------------------------------------------------------------------------
  // What is read.

  logic running;

  assign running = state_q == StRun || state_q == StStop || soon_o;

  function automatic logic [31:0] word(input logic [15:0] addr);
    case (addr)
      portcam_pkg::RegMirrorBaseLo:  word = base_q[31:0];
      portcam_pkg::RegMirrorBaseHi:  word = base_q[63:32];
      portcam_pkg::RegMirrorControl: word = {30'd0, events_q, enable_q};
      portcam_pkg::RegMirrorStatus:  word = {16'd0, reason_q, 5'd0, pending_i && state_q == StRun, error_q,
                                        running};
      portcam_pkg::RegMirrorVersion: word = fresh_q ? '0 : version_i;
      portcam_pkg::RegEventBaseLo:   word = event_base_q[31:0];
      portcam_pkg::RegEventBaseHi:   word = event_base_q[63:32];
      portcam_pkg::RegEventSize:     word = {24'd0, log2_q};
      portcam_pkg::RegEventTail:     word = tail;
      portcam_pkg::RegEventHead:     word = head_q;
      portcam_pkg::RegEventDropped:  word = fresh_q ? '0 : event_dropped_i;
      portcam_pkg::RegEventArm:      word = arm_q;
      default:                       word = '0;
    endcase
  endfunction

  always_ff @(posedge clk_i) begin
    if (page_read_i) begin
      page_word_o <= word(page_read_addr_i);
    end
    if (!rst_ni) begin
      page_word_o <= '0;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !flr_i) begin
      a_only_what_was_begun_fails : assert (!fail_i || state_q == StRun || state_q == StStop);
      a_reason_only_with_error : assert (error_q || reason_q == '0);
    end
  end
`endif

endmodule

`resetall
