// SPDX-License-Identifier: Apache-2.0
//
// Two sizes of portcam_schedule side by side, for schedule_test.cpp. They share what packets ask and
// the words of the host; each has its bit of the one-bit ports and its lane of the outputs.

`default_nettype none

module schedule_tb (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         pre_valid_i,
    input  logic [15:0]  pre_service_i,
    input  logic         valid_i,
    input  logic         bank_i,
    input  logic         advance_i,
    input  logic [1:0]   pick_i,
    input  logic [15:0]  schedule_i,
    input  logic [4:0]   slots_log2_i,
    input  logic [31:0]  crc_i,
    input  logic         use_hash_i,
    output logic [31:0]  first_o,
    output logic [31:0]  second_o,
    output logic [31:0]  index_o,
    input  logic [1:0]   req_valid_i,
    input  logic         req_write_i,
    input  logic         req_bank_i,
    input  logic [15:0]  req_row_i,
    input  logic         req_present_i,
    input  logic [383:0] req_data_i,
    output logic [1:0]   done_o,
    output logic [1:0]   present_o,
    output logic [767:0] data_o,
    input  logic [1:0]   init_i,
    output logic [1:0]   busy_o
);

  for (genvar i = 0; i < 2; i++) begin : g_size
    portcam_schedule #(
        .Services    (i == 0 ? 5 : 64),
        .ScheduleRows(i == 0 ? 8 : 32),
        .ReadLatency (i == 0 ? 2 : 3)
    ) u_schedule (
        .clk_i        (clk_i),
        .rst_ni       (rst_ni),
        .pre_valid_i  (pre_valid_i),
        .pre_service_i(pre_service_i),
        .valid_i      (valid_i),
        .bank_i       (bank_i),
        .advance_i    (advance_i),
        .pick_i       (pick_i),
        .schedule_i   (schedule_i),
        .slots_log2_i (slots_log2_i),
        .crc_i        (crc_i),
        .use_hash_i   (use_hash_i),
        .first_o      (first_o[16*i+:16]),
        .second_o     (second_o[16*i+:16]),
        .index_o      (index_o[16*i+:16]),
        .req_valid_i  (req_valid_i[i]),
        .req_write_i  (req_write_i),
        .req_bank_i   (req_bank_i),
        .req_row_i    (req_row_i),
        .req_present_i(req_present_i),
        .req_data_i   (req_data_i),
        .done_o       (done_o[i]),
        .present_o    (present_o[i]),
        .data_o       (data_o[384*i+:384]),
        .init_i       (init_i[i]),
        .busy_o       (busy_o[i])
    );
  end

endmodule

`resetall
