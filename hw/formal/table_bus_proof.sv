// SPDX-License-Identifier: Apache-2.0
//
// portcam_table_bus gives each request to the table that it names, once, and answers it once: in the clock after the
// table has, with what the table said; a table that does not exist answers as an empty row. Tables are
// cleared only when no request is outstanding, once for each clear, and no request is taken from a
// clear until no table is busy any more. Assumed: a table answers each request once, in the clock after
// it or later, and is busy from the clock after init_o on. By induction: hidden_* are registers of the
// DUT, connected by hw/formal/run.

module table_bus_proof #(
    parameter int unsigned Tables = 13
) (
    input logic              clk_i,
    input logic              rst_ni,
    input logic              tbl_valid_i,
    input logic              tbl_write_i,
    input logic              tbl_bank_i,
    input logic [3:0]        tbl_table_i,
    input logic [15:0]       tbl_row_i,
    input logic              tbl_rowvalid_i,
    input logic [383:0]      tbl_data_i,
    input logic              clear_i,
    input logic [Tables-1:0] done_i,
    input logic              present_i,
    input logic [383:0]      data_i,
    input logic              tables_busy_i
);
  logic              ready;
  logic              done;
  logic              rowvalid;
  logic [383:0]      data;
  logic              busy;
  logic [Tables-1:0] req_valid;
  logic [3:0]        req_table;
  logic              req_write;
  logic              req_bank;
  logic [15:0]       req_row;
  logic              req_present;
  logic [383:0]      req_data;
  logic              init;

  (* hidden = "u_dut.open_q" *)
  logic hidden_open;
  (* hidden = "u_dut.clear_q" *)
  logic hidden_clear;
  (* hidden = "u_dut.none_q" *)
  logic hidden_none;

  portcam_table_bus #(
      .Tables(Tables)
  ) u_dut (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .tbl_valid_i   (tbl_valid_i),
      .tbl_ready_o   (ready),
      .tbl_write_i   (tbl_write_i),
      .tbl_bank_i    (tbl_bank_i),
      .tbl_table_i   (tbl_table_i),
      .tbl_row_i     (tbl_row_i),
      .tbl_rowvalid_i(tbl_rowvalid_i),
      .tbl_data_i    (tbl_data_i),
      .tbl_done_o    (done),
      .tbl_rowvalid_o(rowvalid),
      .tbl_data_o    (data),
      .clear_i       (clear_i),
      .busy_o        (busy),
      .req_valid_o   (req_valid),
      .req_table_o   (req_table),
      .req_write_o   (req_write),
      .req_bank_o    (req_bank),
      .req_row_o     (req_row),
      .req_present_o (req_present),
      .req_data_o    (req_data),
      .done_i        (done_i),
      .present_i     (present_i),
      .data_i        (data_i),
      .init_o        (init),
      .tables_busy_i (tables_busy_i)
  );

  //------------------------------------------------------------------------------------------------
  // The request in work, and the tables.

  logic         started_q = 1'b0;  // a reset was seen
  logic         take;
  logic         exists;
  logic         outstanding_q;     // taken and not answered by its table
  logic         fresh_q;           // taken a clock ago
  logic         answered_q;        // by its table, a clock ago
  logic         initialised_q;     // init_o a clock ago
  logic         write_q;
  logic         bank_q;
  logic [3:0]   table_q;
  logic [15:0]  row_q;
  logic         present_q;
  logic [383:0] data_q;
  logic         said_present_q;
  logic [383:0] said_data_q;
  logic         waits_q;           // a clear was asked for and init_o has not come

  assign take   = tbl_valid_i && ready;
  assign exists = 32'(table_q) < Tables;

  always_ff @(posedge clk_i) begin
    fresh_q       <= take;
    answered_q    <= (done_i != '0) || (fresh_q && !exists);
    initialised_q <= init;
    if (take) begin
      outstanding_q <= 1'b1;
      write_q       <= tbl_write_i;
      bank_q        <= tbl_bank_i;
      table_q       <= tbl_table_i;
      row_q         <= tbl_row_i;
      present_q     <= tbl_rowvalid_i;
      data_q        <= tbl_data_i;
    end else if (done_i != '0 || (fresh_q && !exists)) begin
      outstanding_q  <= 1'b0;
      said_present_q <= exists && present_i;
      said_data_q    <= exists ? data_i : '0;
    end
    waits_q <= clear_i || (waits_q && !init);
    if (!rst_ni) begin
      started_q     <= 1'b1;
      fresh_q       <= 1'b0;
      answered_q    <= 1'b0;
      initialised_q <= 1'b0;
      outstanding_q <= 1'b0;
      waits_q       <= 1'b0;
    end
  end

  always_comb begin
    assume (started_q || !rst_ni);
    // A table answers what it was asked, from the clock after its request on.
    assume ((done_i == '0) ||
            (outstanding_q && !fresh_q && exists && done_i == Tables'(1) << table_q));
    assume (!initialised_q || tables_busy_i);
    assume (!(tables_busy_i && outstanding_q));
  end

  //------------------------------------------------------------------------------------------------
  // What must come.

  always_comb begin
    if (started_q) begin
      a_request_once_to_its_table :
      assert (req_valid == ((fresh_q && exists) ? Tables'(1) << table_q : Tables'(0)));
      a_operands :
      assert (!outstanding_q || (req_table == table_q && req_write == write_q &&
                                 req_bank == bank_q && req_row == row_q &&
                                 req_present == present_q && req_data == data_q));
      a_answered_once : assert (done == answered_q);
      a_answer : assert (!done || (rowvalid == said_present_q && data == said_data_q));
      a_one_at_a_time : assert (!ready || (!outstanding_q && !answered_q));
      a_no_request_while_clearing : assert (!ready || (!waits_q && !tables_busy_i));
      a_busy_until_cleared : assert (busy == (waits_q || tables_busy_i));
      a_clear_waits_for_the_request : assert (!init || !outstanding_q);
      a_clear_does_not_wait_else : assert (init == (waits_q && !outstanding_q));
      a_open : assert (hidden_open == outstanding_q);
      a_clear : assert (hidden_clear == waits_q);
      a_none : assert (hidden_none == (fresh_q && !exists));
      a_fresh : assert (!fresh_q || outstanding_q);
    end
  end

  always_ff @(posedge clk_i) begin
    c_clear_behind_a_request : cover (started_q && init && answered_q && !fresh_q);
    c_no_such_table : cover (started_q && done && table_q == 4'd15);
    c_next_request : cover (started_q && take && table_q == 4'd1 && tbl_table_i == 4'd2);
  end
endmodule
