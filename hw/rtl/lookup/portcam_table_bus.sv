// SPDX-License-Identifier: Apache-2.0
//
// portcam_table_bus: takes the host's row reads and writes to the tables one at a time, and clears
// all tables.
//
// tbl_ready_o is high when no request is outstanding and nothing is being cleared. A request is
// taken with tbl_valid_i and tbl_ready_o; tbl_done_o pulses when it is finished, with the row of a
// read (also after a write the outputs carry no more than that pulse). A table number that does not
// exist is answered as an empty row. clear_i: waits for the outstanding request, then pulses init_o
// to all tables; busy_o is high from the next clock until no table is busy any more, and also after
// reset until then.
//
// Towards the tables: req_valid_o has one bit a table, high for one clock; the other req_* are
// registers and hold until the next request. present_i and data_i are the answer of the table
// req_table_o, with its done_i.

`default_nettype none

module portcam_table_bus #(
    parameter int unsigned Tables = 13
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic                  tbl_valid_i,
    output logic                  tbl_ready_o,
    input  logic                  tbl_write_i,
    input  logic                  tbl_bank_i,
    input  logic [3:0]            tbl_table_i,
    input  logic [15:0]           tbl_row_i,
    input  logic                  tbl_rowvalid_i,
    input  logic [383:0]          tbl_data_i,
    output logic                  tbl_done_o,
    output logic                  tbl_rowvalid_o,
    output logic [383:0]          tbl_data_o,
    input  logic                  clear_i,
    output logic                  busy_o,
    output logic [Tables-1:0]     req_valid_o,
    output logic [3:0]            req_table_o,
    output logic                  req_write_o,
    output logic                  req_bank_o,
    output logic [15:0]           req_row_o,
    output logic                  req_present_o,
    output logic [383:0]          req_data_o,
    input  logic [Tables-1:0]     done_i,
    input  logic                  present_i,
    input  logic [383:0]          data_i,
    output logic                  init_o,
    input  logic                  tables_busy_i
);

  if (Tables < 1 || Tables > 16) begin : g_bad_tables
    $error("portcam_table_bus: Tables must be 1 to 16");
  end

  logic              open_q;      // a request is outstanding
  logic              clear_q;     // a clear waits
  logic [3:0]        table_q;
  logic [Tables-1:0] valid_q;
  logic              none_q;      // the table does not exist
  logic              write_q;
  logic              bank_q;
  logic [15:0]       row_q;
  logic              present_q;
  logic [383:0]      data_q;
  logic              take;
  logic              finish;
  logic              out_done_q;
  logic              out_present_q;
  logic [383:0]      out_data_q;

  assign tbl_ready_o = !open_q && !out_done_q && !clear_q && !tables_busy_i;
  assign take        = tbl_valid_i && tbl_ready_o;
  assign finish      = (done_i != '0) || none_q;
  assign init_o      = clear_q && !open_q;
  assign busy_o      = clear_q || tables_busy_i;

  always_ff @(posedge clk_i) begin
    none_q     <= take && 32'(tbl_table_i) >= Tables;
    out_done_q <= finish;
    if (take) begin
      open_q <= 1'b1;
    end else if (finish) begin
      open_q <= 1'b0;
    end
    if (clear_i) begin
      clear_q <= 1'b1;
    end else if (!open_q) begin
      clear_q <= 1'b0;
    end
    for (int unsigned t = 0; t < Tables; t++) begin
      valid_q[t] <= take && tbl_table_i == 4'(t);
    end
    if (!rst_ni) begin
      none_q     <= 1'b0;
      out_done_q <= 1'b0;
      open_q     <= 1'b0;
      clear_q    <= 1'b0;
      valid_q    <= '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      table_q   <= tbl_table_i;
      write_q   <= tbl_write_i;
      bank_q    <= tbl_bank_i;
      row_q     <= tbl_row_i;
      present_q <= tbl_rowvalid_i;
      data_q    <= tbl_data_i;
    end
    if (finish) begin
      out_present_q <= present_i && !none_q;
      out_data_q    <= none_q ? '0 : data_i;
    end
  end

  assign req_valid_o    = valid_q;
  assign req_table_o    = table_q;
  assign req_write_o    = write_q;
  assign req_bank_o     = bank_q;
  assign req_row_o      = row_q;
  assign req_present_o  = present_q;
  assign req_data_o     = data_q;
  assign tbl_done_o     = out_done_q;
  assign tbl_rowvalid_o = out_present_q;
  assign tbl_data_o     = out_data_q;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_one_answer : assert ((done_i & (done_i - 1'b1)) == '0);
      a_answer_has_request : assert (done_i == '0 || open_q);
    end
  end
`endif

endmodule

`resetall
