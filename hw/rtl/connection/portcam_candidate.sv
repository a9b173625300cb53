// SPDX-License-Identifier: Apache-2.0
//
// portcam_candidate: one of the two candidates of portcam_candidates: its copies of the rows of both
// banks and of the counts. One a clock; the outputs come exactly 3 clocks after valid_i.
//
// A backend_i at or beyond Backends is not usable, accepts nothing and is never an address; weight_o,
// endpoint_o and active_o have a meaning only with usable_o.
//
// Memory: row_en_i has a bit for each bank and row_we_i says whether it is a write; host_o comes 2
// clocks after it. A read in the same clock as a write of the row gives the old word.

`default_nettype none

module portcam_candidate #(
    parameter int unsigned Backends   = portcam_pkg::BuildBackends,
    parameter int unsigned CountWidth = 25
) (
    input  logic                        clk_i,
    input  logic                        valid_i,
    input  logic                        bank_i,
    input  logic                        is_v6_i,
    input  logic [15:0]                 backend_i,
    output logic                        usable_o,
    output logic [15:0]                 endpoint_o,
    output logic [1:0]                  accepts_o,     // by bank
    output logic [15:0]                 weight_o,
    output logic [CountWidth-2:0]       active_o,
    input  logic [1:0]                  row_en_i,
    input  logic                        row_we_i,
    input  logic [$clog2(Backends)-1:0] row_number_i,
    input  logic [34:0]                 row_i,         // row_t below
    output logic [69:0]                 host_o,        // by bank
    input  logic                        began_en_i,    // connections that became active
    input  logic [$clog2(Backends)-1:0] began_row_i,
    input  logic [CountWidth-1:0]       began_word_i,
    input  logic                        left_en_i,     // and those that ceased to be
    input  logic [$clog2(Backends)-1:0] left_row_i,
    input  logic [CountWidth-1:0]       left_word_i
);

  localparam int unsigned RowBits = $clog2(Backends);

  typedef struct packed {
    logic        present;
    logic        accepts;   // present, and the weight is not 0
    logic        is_v6;
    logic [15:0] weight;
    logic [15:0] endpoint;
  } row_t;

  localparam int unsigned RowWidth = 35;

  logic                  in_table;  // the number is one of a backend
  logic [2*RowWidth-1:0] rows_q2;   // by bank
  logic [CountWidth-1:0] began_q2;
  logic [CountWidth-1:0] left_q2;
  logic [CountWidth-1:0] unused_began;
  logic [CountWidth-1:0] unused_left;

  assign in_table = 17'(backend_i) < 17'(Backends);

  for (genvar b = 0; b < 2; b++) begin : g_bank
    portcam_ram #(
        .Width      (RowWidth),
        .Depth      (Backends),
        .ReadLatency(2)
    ) u_rows (
        .clk_i    (clk_i),
        .a_en_i   (valid_i && in_table),
        .a_addr_i (backend_i[RowBits-1:0]),
        .a_data_o (rows_q2[b*RowWidth+:RowWidth]),
        .b_en_i   (row_en_i[b]),
        .b_we_i   (row_we_i),
        .b_addr_i (row_number_i),
        .b_wdata_i(row_i),
        .b_rdata_o(host_o[b*RowWidth+:RowWidth])
    );
  end

  portcam_ram #(
      .Width      (CountWidth),
      .Depth      (Backends),
      .ReadLatency(2)
  ) u_began (
      .clk_i    (clk_i),
      .a_en_i   (valid_i && in_table),
      .a_addr_i (backend_i[RowBits-1:0]),
      .a_data_o (began_q2),
      .b_en_i   (began_en_i),
      .b_we_i   (1'b1),
      .b_addr_i (began_row_i),
      .b_wdata_i(began_word_i),
      .b_rdata_o(unused_began)
  );

  portcam_ram #(
      .Width      (CountWidth),
      .Depth      (Backends),
      .ReadLatency(2)
  ) u_left (
      .clk_i    (clk_i),
      .a_en_i   (valid_i && in_table),
      .a_addr_i (backend_i[RowBits-1:0]),
      .a_data_o (left_q2),
      .b_en_i   (left_en_i),
      .b_we_i   (1'b1),
      .b_addr_i (left_row_i),
      .b_wdata_i(left_word_i),
      .b_rdata_o(unused_left)
  );

  //------------------------------------------------------------------------------------------------
  // Clock 2: the row of the packet's bank, and how many are active; fewer than none are none.

  logic                  bank_q1;
  logic                  bank_q2;
  logic                  is_v6_q1;
  logic                  is_v6_q2;
  logic                  in_table_q1;
  logic                  in_table_q2;
  row_t                  row_0;
  row_t                  row_1;
  row_t                  row;
  logic [CountWidth-1:0] active;
  logic                  unused_row;

  assign row_0      = rows_q2[0+:RowWidth];
  assign row_1      = rows_q2[RowWidth+:RowWidth];
  assign row        = bank_q2 ? row_1 : row_0;
  assign active     = began_q2 - left_q2;
  assign unused_row = ^{row_0, row_1, row};

  logic                  usable_q3;
  logic [1:0]            accepts_q3;
  logic [15:0]           endpoint_q3;
  logic [15:0]           weight_q3;
  logic [CountWidth-2:0] active_q3;

  always_ff @(posedge clk_i) begin
    bank_q1     <= bank_i;
    bank_q2     <= bank_q1;
    is_v6_q1    <= is_v6_i;
    is_v6_q2    <= is_v6_q1;
    in_table_q1 <= in_table;
    in_table_q2 <= in_table_q1;

    usable_q3   <= in_table_q2 && row.accepts && row.is_v6 == is_v6_q2;
    accepts_q3  <= {in_table_q2 && row_1.accepts, in_table_q2 && row_0.accepts};
    endpoint_q3 <= row.endpoint;
    weight_q3   <= row.weight;
    active_q3   <= active[CountWidth-1] ? '0 : active[CountWidth-2:0];
  end

  assign usable_o   = usable_q3;
  assign accepts_o  = accepts_q3;
  assign endpoint_o = endpoint_q3;
  assign weight_o   = weight_q3;
  assign active_o   = active_q3;

endmodule

`resetall
