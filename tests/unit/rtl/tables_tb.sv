// SPDX-License-Identifier: Apache-2.0
//
// Several sizes of portcam_ternary and portcam_exact side by side, for tables_test.cpp. Each
// instance has its bit of the one-bit ports and its 64-bit lane of the others.

`default_nettype none

module tables_tb #(
    parameter int unsigned Ternaries = 4,
    parameter int unsigned Exacts    = 4
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    input  logic [Ternaries-1:0]    ternary_lookup_valid_i,
    input  logic [Ternaries-1:0]    ternary_lookup_bank_i,
    input  logic [64*Ternaries-1:0] ternary_lookup_key_i,
    output logic [Ternaries-1:0]    ternary_match_valid_o,
    output logic [Ternaries-1:0]    ternary_match_hit_o,
    output logic [64*Ternaries-1:0] ternary_match_row_o,
    input  logic [Ternaries-1:0]    ternary_write_valid_i,
    output logic [Ternaries-1:0]    ternary_write_ready_o,
    input  logic [Ternaries-1:0]    ternary_write_bank_i,
    input  logic [64*Ternaries-1:0] ternary_write_row_i,
    input  logic [64*Ternaries-1:0] ternary_write_key_i,
    input  logic [64*Ternaries-1:0] ternary_write_mask_i,
    input  logic [Ternaries-1:0]    ternary_write_enable_row_i,
    output logic [Ternaries-1:0]    ternary_write_done_o,
    input  logic [Ternaries-1:0]    ternary_init_i,
    output logic [Ternaries-1:0]    ternary_busy_o,
    input  logic [Exacts-1:0]       exact_lookup_valid_i,
    input  logic [Exacts-1:0]       exact_lookup_bank_i,
    input  logic [64*Exacts-1:0]    exact_lookup_key_i,
    input  logic [64*Exacts-1:0]    exact_lookup_hash_i,
    output logic [Exacts-1:0]       exact_match_valid_o,
    output logic [Exacts-1:0]       exact_match_hit_o,
    output logic [64*Exacts-1:0]    exact_match_row_o,
    output logic [64*Exacts-1:0]    exact_match_value_o,
    output logic [Exacts-1:0]       exact_match_multi_o,
    input  logic [Exacts-1:0]       exact_host_en_i,
    input  logic [Exacts-1:0]       exact_host_we_i,
    input  logic [Exacts-1:0]       exact_host_bank_i,
    input  logic [64*Exacts-1:0]    exact_host_row_i,
    input  logic [Exacts-1:0]       exact_host_valid_i,
    input  logic [64*Exacts-1:0]    exact_host_key_i,
    input  logic [64*Exacts-1:0]    exact_host_value_i,
    output logic [Exacts-1:0]       exact_host_rvalid_o,
    output logic [Exacts-1:0]       exact_host_rowvalid_o,
    output logic [64*Exacts-1:0]    exact_host_rkey_o,
    output logic [64*Exacts-1:0]    exact_host_rvalue_o,
    input  logic [Exacts-1:0]       exact_init_i,
    output logic [Exacts-1:0]       exact_busy_o
);

  function automatic int unsigned ternary_key(int unsigned i);
    ternary_key = (i == 0) ? 5 : (i == 1) ? 13 : (i == 2) ? 37 : 64;
  endfunction

  function automatic int unsigned ternary_rows(int unsigned i);
    ternary_rows = (i == 0) ? 2 : (i == 1) ? 70 : (i == 2) ? 32 : 129;
  endfunction

  function automatic int unsigned ternary_slice(int unsigned i);
    ternary_slice = (i == 0) ? 2 : (i == 1) ? 4 : (i == 2) ? 5 : 8;
  endfunction

  function automatic int unsigned exact_key(int unsigned i);
    exact_key = (i == 0) ? 3 : (i == 1) ? 37 : (i == 2) ? 18 : 64;
  endfunction

  function automatic int unsigned exact_value(int unsigned i);
    exact_value = (i == 0) ? 1 : (i == 1) ? 20 : (i == 2) ? 7 : 64;
  endfunction

  function automatic int unsigned exact_ways(int unsigned i);
    exact_ways = (i == 0) ? 1 : (i == 1) ? 3 : (i == 2) ? 2 : 4;
  endfunction

  function automatic int unsigned exact_buckets(int unsigned i);
    exact_buckets = (i == 0) ? 2 : (i == 1) ? 4 : (i == 2) ? 64 : 16;
  endfunction

  for (genvar i = 0; i < Ternaries; i++) begin : g_ternary
    localparam int unsigned KeyWidth = ternary_key(i);
    localparam int unsigned Rows     = ternary_rows(i);
    logic [$clog2(Rows)-1:0] row;

    assign ternary_match_row_o[64*i+:64] = 64'(row);

    portcam_ternary #(
        .KeyWidth (KeyWidth),
        .Rows     (Rows),
        .SliceBits(ternary_slice(i))
    ) u_dut (
        .clk_i             (clk_i),
        .rst_ni            (rst_ni),
        .lookup_valid_i    (ternary_lookup_valid_i[i]),
        .lookup_bank_i     (ternary_lookup_bank_i[i]),
        .lookup_key_i      (KeyWidth'(ternary_lookup_key_i[64*i+:64])),
        .match_valid_o     (ternary_match_valid_o[i]),
        .match_hit_o       (ternary_match_hit_o[i]),
        .match_row_o       (row),
        .write_valid_i     (ternary_write_valid_i[i]),
        .write_ready_o     (ternary_write_ready_o[i]),
        .write_bank_i      (ternary_write_bank_i[i]),
        .write_row_i       ($clog2(Rows)'(ternary_write_row_i[64*i+:64])),
        .write_key_i       (KeyWidth'(ternary_write_key_i[64*i+:64])),
        .write_mask_i      (KeyWidth'(ternary_write_mask_i[64*i+:64])),
        .write_enable_row_i(ternary_write_enable_row_i[i]),
        .write_done_o      (ternary_write_done_o[i]),
        .init_i            (ternary_init_i[i]),
        .busy_o            (ternary_busy_o[i])
    );
  end

  for (genvar i = 0; i < Exacts; i++) begin : g_exact
    localparam int unsigned KeyWidth   = exact_key(i);
    localparam int unsigned ValueWidth = exact_value(i);
    localparam int unsigned RowBits    = $clog2(exact_ways(i) * exact_buckets(i));
    logic [RowBits-1:0]    row;
    logic [ValueWidth-1:0] value;
    logic [KeyWidth-1:0]   rkey;
    logic [ValueWidth-1:0] rvalue;

    assign exact_match_row_o[64*i+:64]   = 64'(row);
    assign exact_match_value_o[64*i+:64] = 64'(value);
    assign exact_host_rkey_o[64*i+:64]   = 64'(rkey);
    assign exact_host_rvalue_o[64*i+:64] = 64'(rvalue);

    portcam_exact #(
        .KeyWidth  (KeyWidth),
        .ValueWidth(ValueWidth),
        .Ways      (exact_ways(i)),
        .Buckets   (exact_buckets(i)),
        .KeyedInit (5)
    ) u_dut (
        .clk_i          (clk_i),
        .rst_ni         (rst_ni),
        .lookup_valid_i (exact_lookup_valid_i[i]),
        .lookup_bank_i  (exact_lookup_bank_i[i]),
        .lookup_key_i   (KeyWidth'(exact_lookup_key_i[64*i+:64])),
        .lookup_hash_i  (exact_lookup_hash_i[64*i+:32]),
        .match_valid_o  (exact_match_valid_o[i]),
        .match_hit_o    (exact_match_hit_o[i]),
        .match_row_o    (row),
        .match_value_o  (value),
        .match_multi_o  (exact_match_multi_o[i]),
        .host_en_i      (exact_host_en_i[i]),
        .host_we_i      (exact_host_we_i[i]),
        .host_bank_i    (exact_host_bank_i[i]),
        .host_row_i     (RowBits'(exact_host_row_i[64*i+:64])),
        .host_valid_i   (exact_host_valid_i[i]),
        .host_key_i     (KeyWidth'(exact_host_key_i[64*i+:64])),
        .host_value_i   (ValueWidth'(exact_host_value_i[64*i+:64])),
        .host_rvalid_o  (exact_host_rvalid_o[i]),
        .host_rowvalid_o(exact_host_rowvalid_o[i]),
        .host_rkey_o    (rkey),
        .host_rvalue_o  (rvalue),
        .init_i         (exact_init_i[i]),
        .busy_o         (exact_busy_o[i])
    );
  end

  logic unused_hash;
  assign unused_hash = ^exact_lookup_hash_i;

endmodule

`resetall
