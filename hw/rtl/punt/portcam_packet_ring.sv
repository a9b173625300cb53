// SPDX-License-Identifier: Apache-2.0
//
// portcam_packet_ring: the life of a ring of packets (punt, inject) or of samples of them (trace):
// started by a rising ENABLE, stopped by the host or by an error.
//
// At the start it checks size and alignment (bad_ring) and takes copies of base and size, so that
// what the host writes later never mixes with a ring that runs. runs_o: work may be begun. After it
// falls running_o stays until idle_i says that nothing of the ring is in flight. A rising ENABLE
// that comes before that waits. Nothing starts while the card is not ready. hide_o: the indices are
// those of an earlier ring, and show 0. dead_o: what is in flight after an error or a reset is to be
// thrown away. stopped_o pulses when the ring stops by itself for another reason than error_i.

`default_nettype none

module portcam_packet_ring (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        flr_i,
    input  logic        ready_i,
    input  logic        enable_i,
    input  logic        enable_rise_i,
    input  logic [63:0] base_i,
    input  logic [7:0]  log2_i,
    input  logic        idle_i,
    input  logic        bad_doorbell_i,
    input  logic        error_i,         // a DMA failed
    input  logic [7:0]  error_reason_i,
    output logic        start_o,         // indices begin at 0 from the next clock on
    output logic        runs_o,
    output logic        dead_o,
    output logic        hide_o,
    output logic [63:0] base_o,
    output logic [3:0]  log2_o,
    output logic [11:0] mask_o,          // size - 1
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
  logic        pending_q;  // a rising ENABLE waits
  logic [63:0] base_q;
  logic [7:0]  log2_q;
  logic [11:0] mask_q;
  logic        hide_q;
  logic        dead_q;
  logic        error_q;
  logic [7:0]  reason_q;
  logic        stopped_q;

  logic        start;
  logic        bad_ring;
  logic        refused;
  logic        failed;

  assign start    = state_q == StOff && pending_q && enable_i && ready_i && idle_i && !dead_q;
  assign bad_ring = log2_q < 8'd2 || log2_q > 8'd12 || base_q[11:0] != '0;
  assign refused  = (state_q == StLoad && bad_ring) || (state_q == StRun && bad_doorbell_i);
  assign failed   = error_i && (state_q == StRun || state_q == StStop);

  always_ff @(posedge clk_i) begin
    stopped_q <= refused && !failed;
    unique case (state_q)
      StOff: begin
        if (start) begin
          state_q <= StLoad;
        end
      end
      StLoad: state_q <= bad_ring ? StOff : StRun;
      StRun: begin
        if (refused || failed || !enable_i || pending_q) begin
          state_q <= StStop;
        end
      end
      default: begin
        if (idle_i) begin
          state_q <= StOff;
        end
      end
    endcase
    if (start || !enable_i) begin
      pending_q <= 1'b0;
    end
    if (enable_rise_i) begin
      pending_q <= 1'b1;
    end
    if (start) begin
      hide_q <= 1'b0;
    end
    if (enable_rise_i) begin
      hide_q <= 1'b1;
    end
    if (idle_i) begin
      dead_q <= 1'b0;
    end
    if (failed) begin
      dead_q <= 1'b1;
    end
    if ((refused || failed) && !error_q && !pending_q) begin
      error_q  <= 1'b1;
      reason_q <= failed ? error_reason_i :
                  state_q == StLoad ? portcam_pkg::StatusBadRing : portcam_pkg::StatusBadDoorbell;
    end
    if (enable_rise_i) begin
      error_q  <= 1'b0;
      reason_q <= '0;
    end
    if (!rst_ni || flr_i) begin
      state_q   <= StOff;
      pending_q <= 1'b0;
      hide_q    <= 1'b1;
      dead_q    <= 1'b1;
      error_q   <= 1'b0;
      reason_q  <= '0;
      stopped_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start) begin
      base_q <= base_i;
      log2_q <= log2_i;
    end
    if (state_q == StLoad) begin
      mask_q <= ~(12'hFFF << log2_q[3:0]);
    end
  end

  assign start_o   = start;
  assign runs_o    = state_q == StRun && enable_i && !pending_q;
  assign dead_o    = dead_q;
  assign hide_o    = hide_q;
  assign base_o    = base_q;
  assign log2_o    = log2_q[3:0];
  assign mask_o    = mask_q;
  assign running_o = state_q == StRun || state_q == StStop;
  assign error_o   = error_q;
  assign reason_o  = reason_q;
  assign stopped_o = stopped_q;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !flr_i) begin
      a_reason_only_with_error : assert (error_q || reason_q == '0);
      a_dead_ring_does_not_run : assert (!(runs_o && dead_q));
    end
  end
`endif

endmodule

`resetall
