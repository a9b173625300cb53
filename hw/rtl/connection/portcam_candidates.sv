// SPDX-License-Identifier: Apache-2.0
//
// portcam_candidates: which of two candidates for a new connection are usable, and which comes
// first. One a clock; its outputs come exactly Latency = 5 clocks after valid_i, *_end_o, the same as
// *_endpoint_o, exactly 3.
//
// It keeps what it needs of each row of table backend, both banks. A candidate is usable if in the
// packet's bank its row is present, of the packet's family, and has a weight; its endpoint is that
// of this row and has no meaning where it is not usable. *_accepts_o[b]: in bank b the row is
// present and has a weight. A number at or beyond Backends (0xffff: nobody) is not usable, accepts
// nothing and is never an address. swap_o: second before first. With least_i, where both are usable
// and active(second) * weight(first) < active(first) * weight(second).
//
// Hit: hit_accepts_o comes exactly 2 clocks after hit_valid_i.
//
// Active: begin_valid_i adds one active connection to a backend, leave_valid_i takes one away, each
// one a clock. swap_o knows those of 5 clocks before valid_i and earlier, none later. A backend may
// have up to 2^(CountWidth - 1) - 1; fewer than none count as none.
//
// Host port, init_i and busy_o: as in portcam_row_table, whose rules of a read during a write hold;
// data_o has family, weight and endpoint, the rest is 0. Init also clears the counts. What is asked
// while busy_o is high has no meaning, and no count moves; a count that moves in the clock of init_i
// is cleared by it.

`default_nettype none

module portcam_candidates #(
    parameter int unsigned Backends   = portcam_pkg::BuildBackends,
    parameter int unsigned CountWidth = 25
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         valid_i,
    input  logic         bank_i,
    input  logic         is_v6_i,
    input  logic         least_i,
    input  logic [15:0]  first_i,
    input  logic [15:0]  second_i,
    output logic         first_usable_o,
    output logic [15:0]  first_endpoint_o,
    output logic [1:0]   first_accepts_o,
    output logic         second_usable_o,
    output logic [15:0]  second_endpoint_o,
    output logic [1:0]   second_accepts_o,
    output logic         swap_o,
    output logic [15:0]  first_end_o,
    output logic [15:0]  second_end_o,
    input  logic         hit_valid_i,
    input  logic [15:0]  hit_backend_i,
    output logic [1:0]   hit_accepts_o,
    input  logic         begin_valid_i,
    input  logic [15:0]  begin_backend_i,
    input  logic         leave_valid_i,
    input  logic [15:0]  leave_backend_i,
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

  if (Backends < 2 || Backends > 65536 || (Backends & (Backends - 1)) != 0) begin : g_bad_backends
    $error("portcam_candidates: Backends must be a power of two, 2 to 65536");
  end
  if (CountWidth < 2 || CountWidth > 26) begin : g_bad_count
    $error("portcam_candidates: CountWidth must be 2 to 26, or its product needs two multipliers");
  end

  localparam int unsigned RowBits  = $clog2(Backends);
  localparam int unsigned RowWidth = 35;

  // As in portcam_candidate.
  typedef struct packed {
    logic        present;
    logic        accepts;
    logic        is_v6;
    logic [15:0] weight;
    logic [15:0] endpoint;
  } row_t;

  //------------------------------------------------------------------------------------------------
  // Writes of the host, and init, which empties both banks at once.

  portcam_pkg::backend_row_t in_row;
  row_t                      in_kept;
  logic                      unused_in;
  logic                      init_run_q;
  logic [RowBits-1:0]        init_row_q;
  logic [1:0]                counts_busy;
  logic [1:0]                done_q;
  logic                      req_bank_q1;
  logic                      req_bank_q2;
  logic [1:0]                write_en;   // by bank; also for a read of the host
  logic                      write_we;
  logic [RowBits-1:0]        write_row;
  row_t                      write_word;

  assign in_row    = req_data_i;
  assign unused_in = ^{in_row, req_row_i, begin_backend_i, leave_backend_i, hit_backend_i};

  always_comb begin
    in_kept.present  = 1'b1;
    in_kept.accepts  = in_row.weight != '0;
    in_kept.is_v6    = in_row.family == 8'(portcam_pkg::Family6);
    in_kept.weight   = in_row.weight;
    in_kept.endpoint = in_row.endpoint;
  end

  always_comb begin
    if (init_run_q) begin
      write_en   = {2{rst_ni}};
      write_we   = 1'b1;
      write_row  = init_row_q;
      write_word = '0;
    end else begin
      write_en   = {req_valid_i && req_bank_i, req_valid_i && !req_bank_i};
      write_we   = req_write_i;
      write_row  = req_row_i[RowBits-1:0];
      write_word = req_present_i ? in_kept : '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (init_i) begin
      init_run_q <= 1'b1;
      init_row_q <= '0;
    end else if (init_run_q) begin
      init_row_q <= init_row_q + 1'b1;
      init_run_q <= !(&init_row_q);
    end
    done_q      <= {done_q[0], req_valid_i};
    req_bank_q1 <= req_bank_i;
    req_bank_q2 <= req_bank_q1;
    if (!rst_ni) begin
      init_run_q <= 1'b1;
      init_row_q <= '0;
      done_q     <= '0;
    end
  end

  assign busy_o = init_run_q || counts_busy != '0;
  assign done_o = done_q[1];

  logic [2*RowWidth-1:0]     host_q2;  // by bank
  logic [2*RowWidth-1:0]     unused_host;
  row_t                      host_row;
  portcam_pkg::backend_row_t out;
  logic                      unused_accepts;

  assign host_row = req_bank_q2 ? host_q2[RowWidth+:RowWidth] : host_q2[0+:RowWidth];

  always_comb begin
    out = '0;
    if (host_row.present) begin
      out.family   = host_row.is_v6 ? 8'(portcam_pkg::Family6) : 8'(portcam_pkg::Family4);
      out.weight   = host_row.weight;
      out.endpoint = host_row.endpoint;
    end
  end

  assign present_o      = host_row.present;
  assign data_o         = out;
  assign unused_accepts = host_row.accepts;

  //------------------------------------------------------------------------------------------------
  // Hits: a bit of each row, a copy for each bank.

  logic       hit_in_table;
  logic       hit_in_table_q1;
  logic       hit_in_table_q2;
  logic [1:0] hit_q2;
  logic [1:0] unused_hit;

  assign hit_in_table = 17'(hit_backend_i) < 17'(Backends);

  for (genvar b = 0; b < 2; b++) begin : g_hit
    portcam_ram #(
        .Width      (1),
        .Depth      (Backends),
        .ReadLatency(2)
    ) u_accepts (
        .clk_i    (clk_i),
        .a_en_i   (hit_valid_i && hit_in_table),
        .a_addr_i (hit_backend_i[RowBits-1:0]),
        .a_data_o (hit_q2[b]),
        .b_en_i   (write_en[b]),
        .b_we_i   (write_we),
        .b_addr_i (write_row),
        .b_wdata_i(write_word.accepts),
        .b_rdata_o(unused_hit[b])
    );
  end

  always_ff @(posedge clk_i) begin
    hit_in_table_q1 <= hit_in_table;
    hit_in_table_q2 <= hit_in_table_q1;
  end

  assign hit_accepts_o = hit_in_table_q2 ? hit_q2 : '0;

  //------------------------------------------------------------------------------------------------
  // Counts: how often a connection of a backend became active, and how often one ceased to be. Each
  // is written by its own events.

  logic                  began_take;
  logic                  began_busy;
  logic [CountWidth-1:0] began_base;
  logic                  began_en;
  logic [RowBits-1:0]    began_row;
  logic [CountWidth-1:0] began_word;
  logic                  left_take;
  logic                  left_busy;
  logic [CountWidth-1:0] left_base;
  logic                  left_en;
  logic [RowBits-1:0]    left_row;
  logic [CountWidth-1:0] left_word;
  logic [1:0]            unused_operand;

  assign began_take  = begin_valid_i && !busy_o && 17'(begin_backend_i) < 17'(Backends);
  assign left_take   = leave_valid_i && !busy_o && 17'(leave_backend_i) < 17'(Backends);
  assign counts_busy = {left_busy, began_busy};

  portcam_accumulate #(
      .Width  (CountWidth),
      .Operand(1),
      .Rows   (Backends)
  ) u_began (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .valid_i     (began_take),
      .row_i       (begin_backend_i[RowBits-1:0]),
      .operand_i   (1'b0),
      .base_o      (began_base),
      .operand_o   (unused_operand[0]),
      .next_i      (began_base + 1'b1),
      .write_en_o  (began_en),
      .write_row_o (began_row),
      .write_word_o(began_word),
      .init_i      (init_i),
      .busy_o      (began_busy)
  );

  portcam_accumulate #(
      .Width  (CountWidth),
      .Operand(1),
      .Rows   (Backends)
  ) u_left (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .valid_i     (left_take),
      .row_i       (leave_backend_i[RowBits-1:0]),
      .operand_i   (1'b0),
      .base_o      (left_base),
      .operand_o   (unused_operand[1]),
      .next_i      (left_base + 1'b1),
      .write_en_o  (left_en),
      .write_row_o (left_row),
      .write_word_o(left_word),
      .init_i      (init_i),
      .busy_o      (left_busy)
  );

  //------------------------------------------------------------------------------------------------
  // Both candidates are known in clock 3.

  logic                  first_usable_q3;
  logic [15:0]           first_endpoint_q3;
  logic [1:0]            first_accepts_q3;
  logic [15:0]           first_weight_q3;
  logic [CountWidth-2:0] first_active_q3;
  logic                  second_usable_q3;
  logic [15:0]           second_endpoint_q3;
  logic [1:0]            second_accepts_q3;
  logic [15:0]           second_weight_q3;
  logic [CountWidth-2:0] second_active_q3;

  portcam_candidate #(
      .Backends  (Backends),
      .CountWidth(CountWidth)
  ) u_first (
      .clk_i       (clk_i),
      .valid_i     (valid_i),
      .bank_i      (bank_i),
      .is_v6_i     (is_v6_i),
      .backend_i   (first_i),
      .usable_o    (first_usable_q3),
      .endpoint_o  (first_endpoint_q3),
      .accepts_o   (first_accepts_q3),
      .weight_o    (first_weight_q3),
      .active_o    (first_active_q3),
      .row_en_i    (write_en),
      .row_we_i    (write_we),
      .row_number_i(write_row),
      .row_i       (write_word),
      .host_o      (host_q2),
      .began_en_i  (began_en),
      .began_row_i (began_row),
      .began_word_i(began_word),
      .left_en_i   (left_en),
      .left_row_i  (left_row),
      .left_word_i (left_word)
  );

  portcam_candidate #(
      .Backends  (Backends),
      .CountWidth(CountWidth)
  ) u_second (
      .clk_i       (clk_i),
      .valid_i     (valid_i),
      .bank_i      (bank_i),
      .is_v6_i     (is_v6_i),
      .backend_i   (second_i),
      .usable_o    (second_usable_q3),
      .endpoint_o  (second_endpoint_q3),
      .accepts_o   (second_accepts_q3),
      .weight_o    (second_weight_q3),
      .active_o    (second_active_q3),
      .row_en_i    (write_en),
      .row_we_i    (write_we),
      .row_number_i(write_row),
      .row_i       (write_word),
      .host_o      (unused_host),
      .began_en_i  (began_en),
      .began_row_i (began_row),
      .began_word_i(began_word),
      .left_en_i   (left_en),
      .left_row_i  (left_row),
      .left_word_i (left_word)
  );

  //------------------------------------------------------------------------------------------------
  // Clock 3 multiplies, clock 4 compares.

  localparam int unsigned LoadWidth = CountWidth - 1 + 16;

  logic                 least_q1;
  logic                 least_q2;
  logic                 least_q3;
  logic                 least_q4;
  logic [37:0]          past_q3;         // what only waits: second's, then first's
  logic [37:0]          past_q4;
  logic [37:0]          past_q5;
  logic                 both_usable_q4;
  logic [LoadWidth-1:0] first_load_q4;   // active(first) * weight(second)
  logic [LoadWidth-1:0] second_load_q4;  // active(second) * weight(first)
  logic                 swap_q5;

  assign past_q3 = {second_usable_q3, second_accepts_q3, second_endpoint_q3,
                    first_usable_q3, first_accepts_q3, first_endpoint_q3};

  always_ff @(posedge clk_i) begin
    least_q1 <= least_i;
    least_q2 <= least_q1;
    least_q3 <= least_q2;
    least_q4 <= least_q3;

    past_q4        <= past_q3;
    both_usable_q4 <= first_usable_q3 && second_usable_q3;
    first_load_q4  <= LoadWidth'(first_active_q3) * LoadWidth'(second_weight_q3);
    second_load_q4 <= LoadWidth'(second_active_q3) * LoadWidth'(first_weight_q3);

    past_q5 <= past_q4;
    swap_q5 <= least_q4 && both_usable_q4 && second_load_q4 < first_load_q4;
  end

  assign {second_usable_o, second_accepts_o, second_endpoint_o,
          first_usable_o, first_accepts_o, first_endpoint_o} = past_q5;
  assign swap_o       = swap_q5;
  assign first_end_o  = first_endpoint_q3;
  assign second_end_o = second_endpoint_q3;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_no_request_during_init : assert (!(busy_o && req_valid_i));
      a_no_init_over_request : assert (!(init_i && (req_valid_i || done_q[0])));
    end
  end
`endif

endmodule

`resetall
