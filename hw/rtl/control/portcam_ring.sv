// SPDX-License-Identifier: Apache-2.0
//
// portcam_ring: the life of the command ring: started by a rising ENABLE, stopped by the host or by
// an error.
//
// At the start it checks size and alignment (bad_ring) and takes copies of the bases and the size,
// so that what the host writes later never mixes with a ring that runs. While it runs it counts
// finished commands (head_o) and watches the doorbell: more than the ring's size ahead stops it
// (bad_doorbell). take_o says that a command may be begun.
//
// Stopping: no further command is begun (take_o low at once); the command in work finishes; then
// flush_o empties the fetch, and running_o falls when nothing of the ring is in flight any more. A
// rising ENABLE that comes before that waits (restart_o); the shown head is 0 meanwhile. Nothing
// starts while the card is not ready. stopped_o pulses when the ring stops by itself, and for an
// error that would have stopped it.

`default_nettype none

module portcam_ring (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        flr_i,
    input  logic        ready_i,
    // Registers.
    input  logic        enable_i,
    input  logic        enable_rise_i,
    input  logic [63:0] cmd_base_i,
    input  logic [63:0] cpl_base_i,
    input  logic [7:0]  log2_i,
    input  logic [31:0] doorbell_i,
    // The rooms that work for the ring.
    input  logic        busy_i,         // a command is in work
    input  logic        finish_i,       // it is finished
    input  logic        error_stop_i,   // the ring cannot go on
    input  logic [7:0]  error_reason_i,
    input  logic        fetch_idle_i,
    output logic        start_o,        // indices begin at 0 from the next clock on
    output logic        take_o,
    output logic        last_o,         // the command in work is the last before the doorbell
    output logic        fetch_o,        // commands may be read ahead
    output logic        flush_o,
    output logic        stopping_o,
    output logic        restart_o,
    output logic [63:0] cmd_base_o,
    output logic [63:0] cpl_base_o,
    output logic [4:0]  log2_o,
    output logic [16:0] size_o,
    output logic [15:0] mask_o,         // size - 1
    output logic [15:0] head_o,         // low half of the commands finished
    // Shown in registers.
    output logic [31:0] shown_head_o,
    output logic        running_o,
    output logic        error_o,
    output logic [7:0]  reason_o,
    output logic        stopped_o
);

  typedef enum logic [1:0] {
    StOff  = 2'd0,
    StLoad = 2'd1,  // the copies are there: check them
    StRun  = 2'd2,
    StStop = 2'd3
  } state_e;

  state_e      state_q;
  logic        pending_q;   // a rising ENABLE waits
  logic [63:0] cmd_base_q;
  logic [63:0] cpl_base_q;
  logic [7:0]  log2_q;
  logic [16:0] size_q;
  logic [15:0] mask_q;
  logic [31:0] head_q;
  logic        error_q;
  logic [7:0]  reason_q;
  logic        stopped_q;

  logic        start;
  logic        bad_ring;
  logic        stop_by_itself;
  logic [7:0]  stop_reason;

  // Doorbell distance, two clocks late; ahead_valid_q keeps what was before the start away.
  logic [31:0] ahead_q;
  logic        ahead_bad_q;
  logic [2:0]  ahead_valid_q;
  logic        bad_doorbell;

  assign start        = state_q == StOff && pending_q && enable_i && ready_i && fetch_idle_i &&
                        !busy_i;
  assign bad_ring     = log2_q < 8'd6 || log2_q > 8'd16 || cmd_base_q[11:0] != '0 ||
                        cpl_base_q[11:0] != '0;
  assign bad_doorbell = ahead_valid_q[2] && ahead_bad_q;

  always_ff @(posedge clk_i) begin
    ahead_q       <= doorbell_i - head_q;
    ahead_bad_q   <= ahead_q > {15'b0, size_q};
    ahead_valid_q <= {ahead_valid_q[1:0], 1'b1};
    if (state_q != StRun || !enable_i || pending_q) begin
      ahead_valid_q <= '0;
    end
  end

  always_comb begin
    stop_by_itself = 1'b0;
    stop_reason    = error_reason_i;
    unique case (state_q)
      StLoad: begin
        stop_by_itself = bad_ring;
        stop_reason    = portcam_pkg::StatusBadRing;
      end
      StRun: begin
        stop_by_itself = error_stop_i || bad_doorbell;
        if (!error_stop_i) begin
          stop_reason = portcam_pkg::StatusBadDoorbell;
        end
      end
      StStop: stop_by_itself = error_stop_i && !error_q && !pending_q;
      default: stop_by_itself = 1'b0;
    endcase
  end

  always_ff @(posedge clk_i) begin
    stopped_q <= stop_by_itself || error_stop_i;
    unique case (state_q)
      StOff: begin
        if (start) begin
          state_q <= StLoad;
        end
      end
      StLoad: state_q <= bad_ring ? StOff : StRun;
      StRun: begin
        if (stop_by_itself || !enable_i || pending_q) begin
          state_q <= StStop;
        end
      end
      StStop: begin
        if (!busy_i && fetch_idle_i) begin
          state_q <= StOff;
        end
      end
      default: state_q <= StOff;
    endcase
    if (start || !enable_i) begin
      pending_q <= 1'b0;
    end
    if (enable_rise_i) begin
      pending_q <= 1'b1;
    end
    if (start) begin
      head_q <= '0;
    end else if (finish_i) begin
      head_q <= head_q + 1'b1;
    end
    if (stop_by_itself) begin
      error_q  <= 1'b1;
      reason_q <= stop_reason;
    end
    if (enable_rise_i) begin
      error_q  <= 1'b0;
      reason_q <= '0;
    end
    if (!rst_ni || flr_i) begin
      state_q   <= StOff;
      pending_q <= 1'b0;
      head_q    <= '0;
      error_q   <= 1'b0;
      reason_q  <= '0;
      stopped_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start) begin
      cmd_base_q <= cmd_base_i;
      cpl_base_q <= cpl_base_i;
      log2_q     <= log2_i;
    end
    if (state_q == StLoad) begin
      size_q <= 17'd1 << log2_q[4:0];
      mask_q <= ~(16'hFFFF << log2_q[4:0]);
    end
  end

  assign start_o      = start;
  assign take_o       = state_q == StRun && enable_i && !pending_q && doorbell_i != head_q;
  assign last_o       = doorbell_i == head_q + 1'b1;
  assign fetch_o      = state_q == StRun && enable_i && !pending_q;
  assign flush_o      = state_q == StOff || state_q == StLoad || (state_q == StStop && !busy_i);
  assign stopping_o   = state_q != StRun;
  assign restart_o    = pending_q;
  assign cmd_base_o   = cmd_base_q;
  assign cpl_base_o   = cpl_base_q;
  assign log2_o       = log2_q[4:0];
  assign size_o       = size_q;
  assign mask_o       = mask_q;
  assign head_o       = head_q[15:0];
  assign shown_head_o = pending_q ? '0 : head_q;
  assign running_o    = state_q == StRun || state_q == StStop;
  assign error_o      = error_q;
  assign reason_o     = reason_q;
  assign stopped_o    = stopped_q;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !flr_i) begin
      a_finish_only_while_running : assert (!finish_i || running_o);
      a_reason_only_with_error : assert (error_q || reason_q == '0);
    end
  end
`endif

endmodule

`resetall
