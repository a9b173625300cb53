// SPDX-License-Identifier: Apache-2.0
//
// Several sizes of portcam_ram, portcam_counters, portcam_lowest, portcam_checksum_update and
// portcam_crc32c side by side, for numbers_test.cpp. Each instance has its bit of the one-bit ports
// and its 64-bit lane of the others; long vectors are shared, and each instance takes its low bits.

`default_nettype none

module numbers_tb #(
    parameter int unsigned Rams      = 4,
    parameter int unsigned Counters  = 3,
    parameter int unsigned Lowests   = 4,
    parameter int unsigned Checksums = 4,
    parameter int unsigned Crcs      = 6
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic [Rams-1:0]        ram_a_en_i,
    input  logic [64*Rams-1:0]     ram_a_addr_i,
    output logic [64*Rams-1:0]     ram_a_data_o,
    input  logic [Rams-1:0]        ram_b_en_i,
    input  logic [Rams-1:0]        ram_b_we_i,
    input  logic [64*Rams-1:0]     ram_b_addr_i,
    input  logic [64*Rams-1:0]     ram_b_wdata_i,
    output logic [64*Rams-1:0]     ram_b_rdata_o,
    input  logic [Counters-1:0]    counter_inc_valid_i,
    input  logic [64*Counters-1:0] counter_inc_row_i,
    input  logic [64*Counters-1:0] counter_inc_bytes_i,
    input  logic [Counters-1:0]    counter_read_valid_i,
    input  logic [64*Counters-1:0] counter_read_row_i,
    output logic [Counters-1:0]    counter_read_done_o,
    output logic [64*Counters-1:0] counter_read_packets_o,
    output logic [64*Counters-1:0] counter_read_bytes_o,
    input  logic [Counters-1:0]    counter_init_i,
    output logic [Counters-1:0]    counter_busy_o,
    input  logic                   lowest_valid_i,
    input  logic [1023:0]          lowest_rows_i,
    output logic [Lowests-1:0]     lowest_hit_o,
    output logic [64*Lowests-1:0]  lowest_row_o,
    input  logic                   checksum_valid_i,
    input  logic [319:0]           checksum_old_i,
    input  logic [319:0]           checksum_new_i,
    input  logic [64*Checksums-1:0] checksum_sum_i,
    input  logic                   checksum_udp_i,
    output logic [Checksums-1:0]   checksum_valid_o,
    output logic [64*Checksums-1:0] checksum_sum_o,
    input  logic                   crc_valid_i,
    input  logic [319:0]           crc_key_i,
    input  logic [31:0]            crc_seed_i,
    output logic [Crcs-1:0]        crc_valid_o,
    output logic [64*Crcs-1:0]     crc_hash_o
);

  function automatic int unsigned ram_depth(int unsigned i);
    ram_depth = (i == 0) ? 2 : (i == 1) ? 1024 : (i == 2) ? 10 : 16;
  endfunction

  function automatic int unsigned counter_rows(int unsigned i);
    counter_rows = (i == 0) ? 2 : (i == 1) ? 5 : 64;
  endfunction

  function automatic int unsigned lowest_rows(int unsigned i);
    lowest_rows = (i == 0) ? 2 : (i == 1) ? 31 : (i == 2) ? 65 : 1000;
  endfunction

  function automatic int unsigned checksum_words(int unsigned i);
    checksum_words = (i == 0) ? 1 : (i == 1) ? 3 : (i == 2) ? 10 : 20;
  endfunction

  function automatic int unsigned crc_width(int unsigned i);
    crc_width = (i == 0) ? 8 : (i == 1) ? 24 : (i == 2) ? 32 : (i == 3) ? 72 : (i == 4) ? 104 : 320;
  endfunction

  for (genvar i = 0; i < Rams; i++) begin : g_ram
    localparam int unsigned Width    = (i == 0) ? 1 : (i == 1) ? 64 : 20;
    localparam int unsigned AddrBits = $clog2(ram_depth(i));
    logic [Width-1:0] a_data;
    logic [Width-1:0] b_rdata;

    assign ram_a_data_o[64*i+:64]  = 64'(a_data);
    assign ram_b_rdata_o[64*i+:64] = 64'(b_rdata);

    portcam_ram #(
        .Width      (Width),
        .Depth      (ram_depth(i)),
        .ReadLatency(i + 1)
    ) u_dut (
        .clk_i    (clk_i),
        .a_en_i   (ram_a_en_i[i]),
        .a_addr_i (AddrBits'(ram_a_addr_i[64*i+:64])),
        .a_data_o (a_data),
        .b_en_i   (ram_b_en_i[i]),
        .b_we_i   (ram_b_we_i[i]),
        .b_addr_i (AddrBits'(ram_b_addr_i[64*i+:64])),
        .b_wdata_i(Width'(ram_b_wdata_i[64*i+:64])),
        .b_rdata_o(b_rdata)
    );
  end

  for (genvar i = 0; i < Counters; i++) begin : g_counters
    localparam int unsigned RowBits = $clog2(counter_rows(i));

    portcam_counters #(
        .Rows(counter_rows(i))
    ) u_dut (
        .clk_i         (clk_i),
        .rst_ni        (rst_ni),
        .inc_valid_i   (counter_inc_valid_i[i]),
        .inc_row_i     (RowBits'(counter_inc_row_i[64*i+:64])),
        .inc_bytes_i   (16'(counter_inc_bytes_i[64*i+:64])),
        .read_valid_i  (counter_read_valid_i[i]),
        .read_row_i    (RowBits'(counter_read_row_i[64*i+:64])),
        .read_done_o   (counter_read_done_o[i]),
        .read_packets_o(counter_read_packets_o[64*i+:64]),
        .read_bytes_o  (counter_read_bytes_o[64*i+:64]),
        .init_i        (counter_init_i[i]),
        .busy_o        (counter_busy_o[i])
    );
  end

  for (genvar i = 0; i < Lowests; i++) begin : g_lowest
    localparam int unsigned Rows = lowest_rows(i);
    logic [$clog2(Rows)-1:0] row;

    assign lowest_row_o[64*i+:64] = 64'(row);

    portcam_lowest #(
        .Rows(Rows)
    ) u_dut (
        .clk_i  (clk_i),
        .valid_i(lowest_valid_i),
        .rows_i (lowest_rows_i[Rows-1:0]),
        .hit_o  (lowest_hit_o[i]),
        .row_o  (row)
    );
  end

  for (genvar i = 0; i < Checksums; i++) begin : g_checksum
    localparam int unsigned Words = checksum_words(i);
    logic [15:0] sum;

    assign checksum_sum_o[64*i+:64] = 64'(sum);

    portcam_checksum_update #(
        .Words(Words)
    ) u_dut (
        .clk_i  (clk_i),
        .rst_ni (rst_ni),
        .valid_i(checksum_valid_i),
        .old_i  (checksum_old_i[16*Words-1:0]),
        .new_i  (checksum_new_i[16*Words-1:0]),
        .sum_i  (16'(checksum_sum_i[64*i+:64])),
        .udp_i  (checksum_udp_i),
        .valid_o(checksum_valid_o[i]),
        .sum_o  (sum)
    );
  end

  for (genvar i = 0; i < Crcs; i++) begin : g_crc
    logic [31:0] hash;

    assign crc_hash_o[64*i+:64] = 64'(hash);

    portcam_crc32c #(
        .KeyWidth(crc_width(i))
    ) u_dut (
        .clk_i  (clk_i),
        .rst_ni (rst_ni),
        .valid_i(crc_valid_i),
        .key_i  (crc_key_i[crc_width(i)-1:0]),
        .seed_i (crc_seed_i),
        .valid_o(crc_valid_o[i]),
        .hash_o (hash)
    );
  end

  logic unused_high_bits;
  assign unused_high_bits = ^lowest_rows_i;

endmodule

`resetall
