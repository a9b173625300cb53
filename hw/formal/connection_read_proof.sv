// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_read writes what the records send, and nothing else: beat n goes to the address of the
// command plus 64 n and is half n % 2 of image n / 2; nothing is written after a failed write; the end
// is told once, when the records have ended and the writer has answered, with what they said and with
// the number of images; no request is made while an older one has not ended, also after resets of the
// function at any time. Assumed is what the header asks of the caller, the records and the writer. By
// induction: hidden_* are registers of the DUT, connected by hw/formal/run.

module connection_read_proof #(
    parameter int unsigned BeatWidth = 2
) (
    input logic          clk_i,
    input logic          rst_ni,
    input logic          flr_i,
    input logic          valid_i,
    input logic          delete_i,
    input logic [23:0]   slot_i,
    input logic [31:0]   count_i,
    input logic [63:0]   addr_i,
    input logic          conn_ready_i,
    input logic          img_valid_i,
    input logic [2*BeatWidth-1:0] img_data_i,
    input logic          conn_done_i,
    input logic [7:0]    conn_status_i,
    input logic          answer_i,        // of the memory, for the write in flight
    input logic          answer_error_i
);
  logic         done;
  logic         error;
  logic [7:0]   status;
  logic [31:0]  images;
  logic         conn_valid;
  logic         conn_delete;
  logic [23:0]  conn_slot;
  logic [31:0]  conn_count;
  logic         img_ready;
  logic         beat_valid;
  logic         beat_ready;
  logic [63:0]  beat_addr;
  logic [BeatWidth-1:0] beat_data;
  logic         beat_done;

  (* hidden = "u_dut.state_q" *)
  logic [2:0] hidden_state;
  (* hidden = "u_dut.data_q" *)
  logic [2*BeatWidth-1:0] hidden_data;
  (* hidden = "u_dut.addr_q" *)
  logic [63:0] hidden_addr;
  (* hidden = "u_dut.writing_q" *)
  logic hidden_writing;
  (* hidden = "u_dut.ended_q" *)
  logic hidden_ended;
  (* hidden = "u_dut.status_q" *)
  logic [7:0] hidden_status;

  portcam_connection_read #(
      .BeatWidth(BeatWidth)
  ) u_dut (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .flr_i        (flr_i),
      .valid_i      (valid_i),
      .delete_i     (delete_i),
      .slot_i       (slot_i),
      .count_i      (count_i),
      .addr_i       (addr_i),
      .done_o       (done),
      .error_o      (error),
      .status_o     (status),
      .images_o     (images),
      .conn_valid_o (conn_valid),
      .conn_ready_i (conn_ready_i),
      .conn_delete_o(conn_delete),
      .conn_slot_o  (conn_slot),
      .conn_count_o (conn_count),
      .img_valid_i  (img_valid_i),
      .img_ready_o  (img_ready),
      .img_data_i   (img_data_i),
      .conn_done_i  (conn_done_i),
      .conn_status_i(conn_status_i),
      .beat_valid_o (beat_valid),
      .beat_ready_i (beat_ready),
      .beat_addr_o  (beat_addr),
      .beat_data_o  (beat_data),
      .beat_done_i  (beat_done),
      .beat_error_i (answer_error_i)
  );

  //------------------------------------------------------------------------------------------------
  // The caller, the records and the writer.

  logic        started_q = 1'b0;  // a reset was seen
  logic        asked_q;           // the caller waits
  logic        over_q;            // it was told the end, or its function was reset, a clock ago
  logic        delete_q;
  logic [23:0] slot_q;
  logic [31:0] count_q;
  logic [63:0] addr_q;
  logic        open_q;            // the records have taken a request and have not ended
  logic        ours_q;            // and it is of this command
  logic        busy_q;            // a write is in flight
  logic        forgotten_q;       // and nobody waits for it

  assign beat_ready = !busy_q;
  assign beat_done  = busy_q && answer_i && !forgotten_q;

  always_ff @(posedge clk_i) begin
    asked_q <= valid_i && !done && !flr_i;
    over_q  <= (valid_i && done) || flr_i;
    if (!asked_q) begin
      delete_q <= delete_i;
      slot_q   <= slot_i;
      count_q  <= count_i;
      addr_q   <= addr_i;
    end
    if (conn_valid && conn_ready_i) begin
      open_q <= 1'b1;
      ours_q <= 1'b1;
    end else if (conn_done_i) begin
      open_q <= 1'b0;
    end
    if (flr_i) begin
      ours_q <= 1'b0;
    end
    if (busy_q && answer_i) begin
      busy_q      <= 1'b0;
      forgotten_q <= 1'b0;
    end else if (busy_q && flr_i) begin
      forgotten_q <= 1'b1;
    end
    if (beat_valid && beat_ready && !flr_i) begin
      busy_q <= 1'b1;
    end
    if (!rst_ni) begin
      started_q   <= 1'b1;
      asked_q     <= 1'b0;
      over_q      <= 1'b1;
      open_q      <= 1'b0;
      ours_q      <= 1'b0;
      busy_q      <= 1'b0;
      forgotten_q <= 1'b0;
    end
  end

  always_comb begin
    assume (started_q || !rst_ni);
    assume (!asked_q || (valid_i && delete_i == delete_q && slot_i == slot_q &&
                         count_i == count_q && addr_i == addr_q));
    assume (!over_q || !valid_i);
    assume (open_q || (!img_valid_i && !conn_done_i));
    assume (!img_valid_i || !conn_done_i);
  end

  //------------------------------------------------------------------------------------------------
  // What must be written.

  logic          working;   // the DUT works for the caller; it may have to wait for an old request
  logic [2*BeatWidth-1:0] image_q;   // the last image that was taken to be written
  logic [56:0]   taken_q;   // how many were
  logic [57:0]   beats_q;   // beats that the writer took
  logic          failed_q;  // a write failed
  logic          ended_q;
  logic [7:0]    said_q;

  assign working = hidden_state >= 3'd1 && hidden_state <= 3'd6;

  always_ff @(posedge clk_i) begin
    if (img_valid_i && img_ready && ours_q && !failed_q) begin
      image_q <= img_data_i;
      taken_q <= taken_q + 57'd1;
    end
    if (beat_valid && beat_ready) begin
      beats_q <= beats_q + 58'd1;
    end
    if (beat_done && answer_error_i) begin
      failed_q <= 1'b1;
    end
    if (conn_done_i && ours_q) begin
      ended_q <= 1'b1;
      said_q  <= conn_status_i;
    end
    if (!working || !rst_ni) begin
      taken_q  <= 57'd0;
      beats_q  <= 58'd0;
      failed_q <= 1'b0;
      ended_q  <= 1'b0;
    end
  end

  always_comb begin
    if (started_q) begin
      a_works_for_the_caller : assert (!working || asked_q);
      a_request_is_the_callers :
      assert (!conn_valid || (conn_delete == delete_q && conn_slot == slot_q &&
                              conn_count == count_q));
      a_one_request_at_a_time : assert (!conn_valid || !open_q);
      a_forgets_until_the_end : assert ((hidden_state == 3'd7) == (open_q && !ours_q));
      a_open_means_work : assert (!open_q || (ours_q ? working : hidden_state == 3'd7));
      a_old_images_are_taken : assert (!open_q || ours_q || img_ready);
      if (working) begin
        a_address : assert (hidden_state == 3'd1 || !beat_valid ||
                            beat_addr == addr_q + {beats_q, 6'd0});
        a_data : assert (!beat_valid ||
                         beat_data == (beats_q[0] ? image_q[2*BeatWidth-1:BeatWidth] : image_q[BeatWidth-1:0]));
        a_nothing_after_a_failure : assert (!failed_q || !beat_valid);
        a_failure_is_known : assert (error == failed_q);
        a_kept_address : assert (hidden_addr == addr_q + {beats_q, 6'd0});
        a_kept_image :
        assert (!(hidden_state == 3'd3 || hidden_state == 3'd4) || hidden_data == image_q);
        a_writing : assert (hidden_writing == (busy_q && !forgotten_q));
        a_ended : assert (hidden_ended == ended_q && (!ended_q || hidden_status == said_q));
        a_asking : assert (hidden_state != 3'd1 || (beats_q == 58'd0 && taken_q == 57'd0 &&
                                                    !ended_q && !failed_q && !hidden_writing));
        a_open : assert ((hidden_state >= 3'd2 && !ended_q) == (open_q && ours_q));
        a_last : assert (hidden_state < 3'd5 || ended_q);
        a_halves : assert (beats_q[0] == (hidden_state == 3'd4) || failed_q);
        a_no_image_lost :
        assert (failed_q || beats_q == {taken_q, 1'b0} - (hidden_state == 3'd3 ? 58'd2 :
                                                         hidden_state == 3'd4 ? 58'd1 : 58'd0));
        a_count_of_images : assert (failed_q || images == beats_q[32:1]);
      end
      a_end_is_told_in_full :
      assert (!done || (ended_q && !hidden_writing && status == said_q && error == failed_q &&
                        (failed_q || images == taken_q[31:0])));
      a_no_beat_without_a_command : assert (working || !beat_valid);
      a_idle_waits_for_no_answer : assert (working || !hidden_writing);
      a_forgotten : assert (!forgotten_q || busy_q);
      a_idle_writer : assert (working || !busy_q || forgotten_q);
    end
  end

  always_ff @(posedge clk_i) begin
    c_two_images : cover (started_q && done && !error && images == 32'd2);
    c_failure_with_images_behind : cover (started_q && done && error && taken_q == 57'd1 &&
                                          beats_q == 58'd1);
    c_request_after_a_reset : cover (started_q && conn_valid && busy_q && forgotten_q);
    c_old_image : cover (started_q && open_q && !ours_q && img_valid_i && valid_i);
  end
endmodule
