// SPDX-License-Identifier: Apache-2.0
//
// portcam_row_table: rows by number in two banks, with a valid bit each: one lookup a clock, and a
// port for the host.
//
// Lookup: lookup_present_o and lookup_data_o come exactly ReadLatency clocks after lookup_en_i; an
// empty row gives zeros. Host port: req_valid_i for one clock while busy_o is low and no request is
// outstanding; done_o pulses ReadLatency clocks later, for a read with the row (zeros for an empty
// one), for a write when lookups have long been seeing it. A write with req_present_i = 0 empties
// the row.
// Init: init_i empties all rows of both banks in 2 * Rows clocks; it runs by itself after reset;
// busy_o is high from the next clock on. It must not be given while a request is outstanding.
// Memory: a lookup in the same clock as a write of the same row sees the old row (portcam_ram).

`default_nettype none

module portcam_row_table #(
    parameter int unsigned Width       = 64,
    parameter int unsigned Rows        = 256,
    parameter int unsigned ReadLatency = 2
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    input  logic                    lookup_en_i,
    input  logic                    lookup_bank_i,
    input  logic [$clog2(Rows)-1:0] lookup_row_i,
    output logic                    lookup_present_o,
    output logic [Width-1:0]        lookup_data_o,
    input  logic                    req_valid_i,
    input  logic                    req_write_i,
    input  logic                    req_bank_i,
    input  logic [$clog2(Rows)-1:0] req_row_i,
    input  logic                    req_present_i,
    input  logic [Width-1:0]        req_data_i,
    output logic                    done_o,
    output logic                    present_o,
    output logic [Width-1:0]        data_o,
    input  logic                    init_i,
    output logic                    busy_o
);

  if (Width < 1) begin : g_bad_width
    $error("portcam_row_table: Width must be at least 1");
  end
  if (Rows < 2 || (Rows & (Rows - 1)) != 0) begin : g_bad_rows
    $error("portcam_row_table: Rows must be a power of two and at least 2");
  end
  if (ReadLatency < 2 || ReadLatency > 4) begin : g_bad_latency
    $error("portcam_row_table: ReadLatency must be 2 to 4");
  end

  localparam int unsigned RowBits = $clog2(Rows);

  logic                   init_run_q;
  logic [RowBits:0]       init_addr_q;
  logic [ReadLatency-1:0] done_q;

  always_ff @(posedge clk_i) begin
    if (init_i) begin
      init_run_q  <= 1'b1;
      init_addr_q <= '0;
    end else if (init_run_q) begin
      init_addr_q <= init_addr_q + 1'b1;
      init_run_q  <= !(&init_addr_q);
    end
    done_q <= {done_q[ReadLatency-2:0], req_valid_i};
    if (!rst_ni) begin
      init_run_q  <= 1'b1;
      init_addr_q <= '0;
      done_q      <= '0;
    end
  end

  assign busy_o = init_run_q;
  assign done_o = done_q[ReadLatency-1];

  logic             b_en;
  logic             b_we;
  logic [RowBits:0] b_addr;
  logic [Width:0]   b_wdata;

  always_comb begin
    if (init_run_q) begin
      b_en    = rst_ni;
      b_we    = 1'b1;
      b_addr  = init_addr_q;
      b_wdata = '0;
    end else begin
      b_en    = req_valid_i;
      b_we    = req_write_i;
      b_addr  = {req_bank_i, req_row_i};
      b_wdata = req_present_i ? {1'b1, req_data_i} : '0;
    end
  end

  portcam_ram #(
      .Width      (Width + 1),
      .Depth      (2 * Rows),
      .ReadLatency(ReadLatency)
  ) u_ram (
      .clk_i    (clk_i),
      .a_en_i   (lookup_en_i),
      .a_addr_i ({lookup_bank_i, lookup_row_i}),
      .a_data_o ({lookup_present_o, lookup_data_o}),
      .b_en_i   (b_en),
      .b_we_i   (b_we),
      .b_addr_i (b_addr),
      .b_wdata_i(b_wdata),
      .b_rdata_o({present_o, data_o})
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_no_request_during_init : assert (!(init_run_q && req_valid_i));
      a_no_init_over_request :
      assert (!(init_i && (req_valid_i || done_q[ReadLatency-2:0] != '0)));
    end
  end
`endif

endmodule

`resetall
