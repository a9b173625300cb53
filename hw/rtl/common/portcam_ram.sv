// SPDX-License-Identifier: Apache-2.0
//
// portcam_ram: a block RAM with a read port A and a read/write port B on one clock.
//
// a_data_o is valid ReadLatency clocks after a_en_i, b_rdata_o is valid ReadLatency clocks after
// b_en_i with b_we_i low; one access a clock on each port. At other times the outputs carry no
// meaning. Contents are unknown until written; nothing is reset.
//
// Read during write: a read on A in the same clock in which B writes the address gives the OLD
// word; a read in the next clock gives the new one. A write on B gives the old word of its address
// on b_rdata_o (read first).
//
// ReadLatency 1 is the output latch of the block RAM alone; 2 adds its output register, which a
// design at 322 MHz wants; 3 and 4 add registers in the fabric for long routes.

`default_nettype none

module portcam_ram #(
    parameter int unsigned Width       = 72,
    parameter int unsigned Depth       = 1024,
    parameter int unsigned ReadLatency = 2
) (
    input  logic                     clk_i,
    input  logic                     a_en_i,
    input  logic [$clog2(Depth)-1:0] a_addr_i,
    output logic [Width-1:0]         a_data_o,
    input  logic                     b_en_i,
    input  logic                     b_we_i,
    input  logic [$clog2(Depth)-1:0] b_addr_i,
    input  logic [Width-1:0]         b_wdata_i,
    output logic [Width-1:0]         b_rdata_o
);

  if (Width < 1) begin : g_bad_width
    $error("portcam_ram: Width must be at least 1");
  end
  if (Depth < 2) begin : g_bad_depth
    $error("portcam_ram: Depth must be at least 2");
  end
  if (ReadLatency < 1 || ReadLatency > 4) begin : g_bad_latency
    $error("portcam_ram: ReadLatency must be 1 to 4");
  end

  (* ram_style = "block" *)
  logic [Width-1:0] mem [0:Depth-1];
  logic [Width-1:0] a_data_q;
  logic [Width-1:0] b_data_q;

  always_ff @(posedge clk_i) begin
    if (a_en_i) begin
      a_data_q <= mem[a_addr_i];
    end
  end

  always_ff @(posedge clk_i) begin
    if (b_en_i) begin
      b_data_q <= mem[b_addr_i];
      if (b_we_i) begin
        mem[b_addr_i] <= b_wdata_i;
      end
    end
  end

  if (ReadLatency == 1) begin : g_latency1
    assign a_data_o  = a_data_q;
    assign b_rdata_o = b_data_q;
  end else begin : g_latency
    // Newest word in the low part; the word that leaves is the highest one.
    logic [(ReadLatency-1)*Width-1:0] a_pipe_q;
    logic [(ReadLatency-1)*Width-1:0] b_pipe_q;

    // A stage that would take what it has already keeps still.
    if (ReadLatency == 2) begin : g_one
      logic a_new_q;  // the memory gave a word in the last clock
      logic b_new_q;

      always_ff @(posedge clk_i) begin
        a_new_q <= a_en_i;
        b_new_q <= b_en_i;
        if (a_new_q) begin
          a_pipe_q <= a_data_q;
        end
        if (b_new_q) begin
          b_pipe_q <= b_data_q;
        end
      end
    end else begin : g_more
      always_ff @(posedge clk_i) begin
        a_pipe_q <= {a_pipe_q[(ReadLatency-2)*Width-1:0], a_data_q};
        b_pipe_q <= {b_pipe_q[(ReadLatency-2)*Width-1:0], b_data_q};
      end
    end

    assign a_data_o  = a_pipe_q[(ReadLatency-2)*Width+:Width];
    assign b_rdata_o = b_pipe_q[(ReadLatency-2)*Width+:Width];
  end

endmodule

`resetall
