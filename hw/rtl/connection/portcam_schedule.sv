// SPDX-License-Identifier: Apache-2.0
//
// portcam_schedule: picks a slot of a service's slot table for a new connection, and names its two
// candidates. One a clock; first_o, second_o and index_o come exactly Latency = ReadLatency + 3
// clocks after valid_i.
//
// Index: with use_hash_i, and for picks client_ip and client_ip_port, crc_i; for pick counter the
// service's counter; for pick least a random number. index_o holds its low 16 bits; the slot is the
// index modulo 2^slots_log2_i. Eight slots a row, from row schedule_i on. An empty row, and one
// beyond the table, gives 0xffff for both candidates.
//
// Counters: pre_valid_i with the service comes exactly 3 clocks before the valid_i that wants its
// counter (a pre_valid_i without one does nothing, and a valid_i without one has no counter).
// valid_i with advance_i moves the counter on by one. As if one after another: a later packet sees
// every earlier move, the same service in every clock too. Counters have 16 bits and wrap.
//
// Host port of table schedule: as in portcam_row_table with this ReadLatency. Init: init_i empties
// all rows and clears the counters; it runs by itself after reset; busy_o is high from the next
// clock on. Picks of that time have no meaning, and move no counter if their pre_valid_i came while
// busy_o was high; one in the clock of init_i is cleared by it.

`default_nettype none

module portcam_schedule #(
    parameter int unsigned Services     = portcam_pkg::BuildServices,
    parameter int unsigned ScheduleRows = portcam_pkg::BuildScheduleRows,
    parameter int unsigned ReadLatency  = 2
) (
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
    output logic [15:0]  first_o,
    output logic [15:0]  second_o,
    output logic [15:0]  index_o,
    input  logic         req_valid_i,
    input  logic         req_write_i,
    input  logic         req_bank_i,
    input  logic [15:0]  req_row_i,
    input  logic         req_present_i,
    input  logic [383:0] req_data_i,
    output logic         done_o,
    output logic         present_o,
    output logic [383:0] data_o,
    input  logic         init_i,
    output logic         busy_o
);

  if (Services < 2 || Services > 65536) begin : g_bad_services
    $error("portcam_schedule: Services must be 2 to 65536");
  end
  if (ScheduleRows < 2 || ScheduleRows > 65536) begin : g_bad_rows
    $error("portcam_schedule: ScheduleRows must be 2 to 65536");
  end

  localparam int unsigned Latency     = ReadLatency + 3;
  localparam int unsigned ServiceBits = $clog2(Services);
  localparam int unsigned RowBits     = $clog2(ScheduleRows);
  localparam int unsigned SlotsWidth  = 256;  // eight slots of two numbers

  //------------------------------------------------------------------------------------------------
  // Counters. In this part _qn is n clocks after pre_valid_i. The word comes from the memory in
  // clocks 1 and 2, it or a newer one on its way is chosen in clock 3 (that of valid_i), the counter
  // moves there and is written in clock 4. The memory shows it to reads that start one clock later.

  logic                   pre_take;
  logic [5:1]             pre_q;
  logic [ServiceBits-1:0] service_q1;
  logic [ServiceBits-1:0] service_q2;
  logic [ServiceBits-1:0] service_q3;
  logic [ServiceBits-1:0] service_q4;
  logic [ServiceBits-1:0] service_q5;
  logic [15:0]            word_q2;  // from the memory
  logic [15:0]            base_q3;
  logic [15:0]            count;    // in clock 3
  logic [15:0]            count_q4;  // behind the packet
  logic [15:0]            count_q5;
  logic [15:0]            count_q6;
  // The packet 1, 2, 3 or 4 clocks before this one has the same service, and the memory did not
  // show its counter yet.
  logic                   same_1_q3;
  logic                   same_2_q2;
  logic                   same_3_q2;
  logic                   same_4_q2;

  logic                   table_busy;
  logic                   clear_run_q;
  logic                   clear_step;
  logic [ServiceBits-1:0] clear_row_q;

  assign pre_take = pre_valid_i && !busy_o && 17'(pre_service_i) < 17'(Services);
  assign count    = same_1_q3 ? count_q4 : base_q3;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pre_q <= '0;
    end else begin
      pre_q <= {pre_q[4:1], pre_take};
    end
    service_q1 <= pre_service_i[ServiceBits-1:0];
    service_q2 <= service_q1;
    service_q3 <= service_q2;
    service_q4 <= service_q3;
    service_q5 <= service_q4;

    same_1_q3 <= pre_q[3] && service_q3 == service_q2;
    same_2_q2 <= pre_q[3] && service_q3 == service_q1;
    same_3_q2 <= pre_q[4] && service_q4 == service_q1;
    same_4_q2 <= pre_q[5] && service_q5 == service_q1;

    base_q3  <= same_2_q2 ? count_q4 : same_3_q2 ? count_q5 : same_4_q2 ? count_q6 : word_q2;
    count_q4 <= count + 16'(valid_i && advance_i);
    count_q5 <= count_q4;
    count_q6 <= count_q5;
  end

  logic                   write_en;
  logic [ServiceBits-1:0] write_row;
  logic [15:0]            write_word;
  logic [15:0]            unused_count_rdata;

  // The walk begins once the last packet has left, so that no old counter is written after it.
  assign clear_step = clear_run_q && pre_q == '0;
  assign write_en   = pre_q[4] || (clear_step && rst_ni);
  assign write_row  = pre_q[4] ? service_q4 : clear_row_q;
  assign write_word = pre_q[4] ? count_q4 : '0;

  always_ff @(posedge clk_i) begin
    if (init_i) begin
      clear_run_q <= 1'b1;
      clear_row_q <= '0;
    end else if (clear_step) begin
      clear_row_q <= clear_row_q + 1'b1;
      clear_run_q <= clear_row_q != ServiceBits'(Services - 1);
    end
    if (!rst_ni) begin
      clear_run_q <= 1'b1;
      clear_row_q <= '0;
    end
  end

  assign busy_o = clear_run_q || table_busy;

  portcam_ram #(
      .Width      (16),
      .Depth      (Services),
      .ReadLatency(2)
  ) u_counters (
      .clk_i    (clk_i),
      .a_en_i   (pre_take),
      .a_addr_i (pre_service_i[ServiceBits-1:0]),
      .a_data_o (word_q2),
      .b_en_i   (write_en),
      .b_we_i   (1'b1),
      .b_addr_i (write_row),
      .b_wdata_i(write_word),
      .b_rdata_o(unused_count_rdata)
  );

  //------------------------------------------------------------------------------------------------
  // Random numbers: a linear feedback register of 32 bits (taps 32, 22, 2, 1), 16 steps in each
  // clock, so that no bit of a number comes again in the next one.

  logic [31:0] random_q;

  function automatic logic [31:0] stepped(logic [31:0] from);
    stepped = from;
    for (int unsigned i = 0; i < 16; i++) begin
      stepped = {stepped[30:0], stepped[31] ^ stepped[21] ^ stepped[1] ^ stepped[0]};
    end
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      random_q <= 32'h1;
    end else begin
      random_q <= stepped(random_q);
    end
  end

  //------------------------------------------------------------------------------------------------
  // From here _qn is n clocks after valid_i. Clock 1 knows the index, clock 2 the row; the table
  // takes ReadLatency clocks, then the slot is taken out of the row.

  logic        valid_q1;
  logic        bank_q1;
  logic [15:0] schedule_q1;
  logic [15:0] index_q1;
  logic [15:0] mask_q1;     // of the slots
  logic [15:0] slot_q1;
  logic        valid_q2;
  logic        bank_q2;
  logic [16:0] row_q2;
  logic        in_table;

  always_ff @(posedge clk_i) begin
    valid_q1    <= valid_i;
    bank_q1     <= bank_i;
    schedule_q1 <= schedule_i;
    if (use_hash_i || pick_i == 2'(portcam_pkg::PickClientIp) ||
        pick_i == 2'(portcam_pkg::PickClientIpPort)) begin
      index_q1 <= crc_i[15:0];
    end else if (pick_i == 2'(portcam_pkg::PickLeast)) begin
      index_q1 <= random_q[15:0];
    end else begin
      index_q1 <= count;
    end
    for (int unsigned i = 0; i < 16; i++) begin
      mask_q1[i] <= slots_log2_i > 5'(i);
    end

    valid_q2 <= valid_q1;
    bank_q2  <= bank_q1;
    row_q2   <= 17'(schedule_q1) + 17'(slot_q1[15:3]);

    if (!rst_ni) begin
      valid_q1 <= 1'b0;
      valid_q2 <= 1'b0;
    end
  end

  assign slot_q1  = index_q1 & mask_q1;
  assign in_table = row_q2 < 17'(ScheduleRows);

  // What goes past the table: the newest word in the low part.
  logic [(Latency-1)*16-1:0] index_pipe_q;
  logic [ReadLatency-1:0]    in_table_pipe_q;
  logic [ReadLatency*3-1:0]  slot_pipe_q;
  logic [2:0]                slot_q2;

  always_ff @(posedge clk_i) begin
    index_pipe_q    <= {index_pipe_q[(Latency-2)*16-1:0], index_q1};
    in_table_pipe_q <= {in_table_pipe_q[ReadLatency-2:0], in_table};
    slot_q2         <= slot_q1[2:0];
    slot_pipe_q     <= {slot_pipe_q[(ReadLatency-1)*3-1:0], slot_q2};
  end

  logic                  row_present;
  logic [SlotsWidth-1:0] row;
  logic [SlotsWidth-1:0] out_row;
  logic                  is_there;
  logic [31:0]           slot;
  logic [15:0]           first_q;
  logic [15:0]           second_q;

  assign is_there = row_present && in_table_pipe_q[ReadLatency-1];
  assign slot     = row[slot_pipe_q[(ReadLatency-1)*3+:3]*32+:32];

  always_ff @(posedge clk_i) begin
    first_q  <= is_there ? slot[15:0] : 16'(portcam_pkg::BackendNone);
    second_q <= is_there ? slot[31:16] : 16'(portcam_pkg::BackendNone);
  end

  assign first_o  = first_q;
  assign second_o = second_q;
  assign index_o  = index_pipe_q[(Latency-2)*16+:16];

  //------------------------------------------------------------------------------------------------
  // The table.

  portcam_pkg::schedule_row_t in_row;
  portcam_pkg::schedule_row_t out;
  logic                       unused_in;

  assign in_row    = req_data_i;
  assign unused_in = ^{in_row, req_row_i, pre_service_i, crc_i[31:16]};

  portcam_row_table #(
      .Width      (SlotsWidth),
      .Rows       (ScheduleRows),
      .ReadLatency(ReadLatency)
  ) u_rows (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .lookup_en_i     (valid_q2 && in_table),
      .lookup_bank_i   (bank_q2),
      .lookup_row_i    (row_q2[RowBits-1:0]),
      .lookup_present_o(row_present),
      .lookup_data_o   (row),
      .req_valid_i     (req_valid_i),
      .req_write_i     (req_write_i),
      .req_bank_i      (req_bank_i),
      .req_row_i       (req_row_i[RowBits-1:0]),
      .req_present_i   (req_present_i),
      .req_data_i      (in_row.slot),
      .done_o          (done_o),
      .present_o       (present_o),
      .data_o          (out_row),
      .init_i          (init_i),
      .busy_o          (table_busy)
  );

  always_comb begin
    out      = '0;
    out.slot = out_row;
  end

  assign data_o = out;

endmodule

`resetall
