// SPDX-License-Identifier: Apache-2.0
//
// portcam_entry_writer: writes the entries of a ring of packets (punt, trace) to the host: header and
// bytes behind it.
//
// valid_i: the header of the next entry (lap 0), how many bytes are behind it, and the first beat of
// them are there; they are taken then, and beats as beat_pop_o says. The bytes are written, when all
// is answered the header, when that is answered the tail goes on. A write that fails gives error_o,
// once; while dead_i is high entries are thrown away. ended_o pulses behind each, written or not
// (written_o), with the address of its entry (error_addr_o).

`default_nettype none

module portcam_entry_writer #(
    parameter int unsigned EntryLog2 = 14  // bytes of an entry
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    // Ring.
    input  logic         start_i,
    input  logic         dead_i,
    input  logic [63:0]  base_i,
    input  logic [3:0]   log2_i,
    input  logic [11:0]  mask_i,
    output logic [31:0]  tail_o,
    // Entries.
    input  logic         valid_i,
    input  logic [511:0] header_i,
    input  logic [15:0]  len_i,
    input  logic         beat_valid_i,
    output logic         beat_pop_o,
    input  logic [511:0] beat_data_i,
    input  logic         beat_last_i,
    output logic         ended_o,
    output logic         written_o,
    output logic         error_o,
    output logic [63:0]  error_addr_o,
    // Writes: portcam_write_arbiter.
    output logic         beat_valid_o,
    input  logic         beat_ready_i,
    output logic [63:0]  beat_addr_o,
    output logic [511:0] beat_data_o,
    output logic [63:0]  beat_strb_o,
    input  logic         beat_done_i,
    input  logic         beat_error_i
);

  typedef enum logic [2:0] {
    StIdle       = 3'd0,
    StData       = 3'd1,  // beats are offered
    StDataWait   = 3'd2,  // for their answers
    StHeader     = 3'd3,
    StHeaderWait = 3'd4,
    StSwallow    = 3'd5,  // the rest of the beats is thrown away
    StLost       = 3'd6   // the answers that still come are waited for
  } state_e;

  state_e       state_q;
  logic [479:0] header_q;   // without the lap
  logic [31:0]  lap_q;
  logic [31:0]  tail_q;
  logic [63:0]  entry_q;
  logic [63:0]  addr_q;     // of the next beat
  logic [63:0]  addr;
  logic [25:0]  offset;     // of addr in the ring, which begins at a multiple of 4,096
  logic [25:0]  offset_q;
  logic [15:0]  left_q;     // bytes not yet written
  logic [7:0]   pending_q;  // writes without an answer
  logic         failed_q;
  logic         held_q;     // a beat was offered and not taken: it stays
  logic         offered;
  logic         answered;
  logic         pop;
  logic         unused_lap;

  assign offered      = !dead_i || held_q;
  assign beat_valid_o = (state_q == StData && beat_valid_i && offered) ||
                        (state_q == StHeader && offered);
  assign beat_addr_o  = state_q == StHeader ? entry_q : addr_q;
  assign beat_data_o  = state_q == StHeader ? {lap_q, header_q} : beat_data_i;
  assign beat_strb_o  = state_q == StHeader || left_q >= 16'd64 ? '1 :
                        ~(64'hFFFF_FFFF_FFFF_FFFF << left_q[5:0]);
  assign beat_pop_o   = (state_q == StData && offered && beat_ready_i) || state_q == StSwallow;
  assign pop          = beat_valid_i && beat_pop_o;
  assign answered     = pending_q == '0;
  assign written_o    = state_q == StHeaderWait && answered && !failed_q && !dead_i;
  assign error_o      = (state_q == StHeaderWait || state_q == StDataWait) && answered &&
                        failed_q && !dead_i;
  assign ended_o      = (state_q == StHeaderWait || state_q == StLost) && answered;
  assign error_addr_o = entry_q;
  assign tail_o       = tail_q;
  assign unused_lap   = ^header_i[511:480];

  assign offset = state_q == StIdle ? ({14'b0, tail_q[11:0] & mask_i} << EntryLog2) | 26'd64
                                    : offset_q;

  portcam_address_sum u_addr (
      .clk_i    (clk_i),
      .base_i   (base_i),
      .offset_i ({6'b0, offset}),
      .address_o(addr)
  );

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      StIdle: begin
        if (valid_i) begin
          state_q <= dead_i ? StSwallow : StData;
        end
      end
      StData: begin
        if (!offered) begin
          state_q <= StSwallow;
        end else if (pop && beat_last_i) begin
          state_q <= StDataWait;
        end
      end
      StDataWait: begin
        if (answered) begin
          state_q <= failed_q || dead_i ? StLost : StHeader;
        end
      end
      StHeader: begin
        if (!offered) begin
          state_q <= StLost;
        end else if (beat_ready_i) begin
          state_q <= StHeaderWait;
        end
      end
      StHeaderWait: begin
        if (answered) begin
          state_q <= StIdle;
        end
      end
      StSwallow: begin
        if (pop && beat_last_i) begin
          state_q <= StLost;
        end
      end
      default: begin
        if (answered) begin
          state_q <= StIdle;
        end
      end
    endcase
    held_q    <= beat_valid_o && !beat_ready_i;
    pending_q <= pending_q + 8'(beat_valid_o && beat_ready_i) - 8'(beat_done_i);
    if (state_q == StIdle) begin
      failed_q <= 1'b0;
    end else if (beat_done_i && beat_error_i) begin
      failed_q <= 1'b1;
    end
    if (start_i) begin
      tail_q <= '0;
    end else if (written_o) begin
      tail_q <= tail_q + 1'b1;
    end
    if (!rst_ni) begin
      state_q   <= StIdle;
      held_q    <= 1'b0;
      pending_q <= '0;
      failed_q  <= 1'b0;
      tail_q    <= '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StIdle && valid_i) begin
      header_q <= header_i[479:0];
      lap_q    <= (tail_q >> log2_i) + 1'b1;
      left_q   <= len_i;
      entry_q  <= {addr[63:8], 8'b0};
    end else if (beat_valid_o && beat_ready_i) begin
      left_q <= left_q - 16'd64;
    end
    if ((state_q == StIdle && valid_i) || (beat_valid_o && beat_ready_i)) begin
      addr_q   <= addr;
      offset_q <= offset + 26'd64;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_length_is_that_of_the_header :
      assert (!(state_q == StData && pop) || beat_last_i == (left_q <= 16'd64));
      a_entries_are_whole : assert (state_q == StIdle || entry_q[7:0] == '0);
    end
  end
`endif

endmodule

`resetall
