// SPDX-License-Identifier: Apache-2.0
//
// portcam_stats: the seven counter tables: reason, function_rx, function_tx, domain, address,
// service, backend.
//
// Takes one count_t a clock, never stalls; each table it names gets one packet and count_i.octets
// bytes. Beside it takes one injected frame a clock (sent_*), which function_tx gets. In the last four tables row 2n counts packets towards servers and row 2n + 1 replies.
// Read: rd_valid_i for one clock, the next not before rd_done_o; rd_done_o pulses exactly 12 clocks
// later with both counters of one moment: every count_i up to one clock after rd_valid_i, none
// later. A table that does not exist reads 0. clear_i clears all rows; busy_o is high from the next
// clock until that is done, also after reset; counts given while busy_o is high are lost, and a
// read answers with values without meaning. Memory: in portcam_counters.

`default_nettype none

module portcam_stats #(
    parameter int unsigned Functions = portcam_pkg::BuildFunctions,
    parameter int unsigned Domains   = portcam_pkg::BuildDomains,
    parameter int unsigned Addresses = portcam_pkg::BuildAddresses,
    parameter int unsigned Services  = portcam_pkg::BuildServices,
    parameter int unsigned Backends  = portcam_pkg::BuildBackends
) (
    input  logic                      clk_i,
    input  logic                      rst_ni,
    input  logic                      count_valid_i,
    input  portcam_types_pkg::count_t count_i,
    input  logic                      sent_valid_i,
    input  logic [7:0]                sent_function_i,
    input  logic [15:0]               sent_octets_i,
    input  logic                      rd_valid_i,
    input  logic [3:0]                rd_table_i,
    input  logic [15:0]               rd_row_i,
    output logic                      rd_done_o,
    output logic [63:0]               rd_packets_o,
    output logic [63:0]               rd_octets_o,
    input  logic                      clear_i,
    output logic                      busy_o
);

  localparam int unsigned Tables = 7;

  if (2 * Domains > 65536 || 2 * Addresses > 65536 || 2 * Services > 65536 ||
      2 * Backends > 65536) begin : g_bad_sizes
    $error("portcam_stats: a table has more rows than the read bus can name");
  end

  localparam int unsigned ReasonRows = portcam_pkg::ReasonRows;

  //------------------------------------------------------------------------------------------------
  // Clock 1: which row of which table. Rows are as wide as the largest table.

  localparam int unsigned RowBits = 17;

  portcam_types_pkg::count_t count;
  logic                      unused_count;
  logic [Tables-1:0]         inc_q;
  logic [Tables*RowBits-1:0] inc_row_q;
  logic [15:0]               octets_q;
  logic [Tables-1:0]         read_q;
  logic [Tables-1:0]         ours_q;
  logic [15:0]               read_row_q;

  assign count        = count_i;
  assign unused_count = ^{count.connection_valid, count.connection, count.began};

  always_ff @(posedge clk_i) begin
    if (count_valid_i) begin
      octets_q <= count.octets;
      inc_row_q[0*RowBits+:RowBits] <= RowBits'(count.reason);
      inc_row_q[1*RowBits+:RowBits] <= RowBits'(count.rx);
      inc_row_q[2*RowBits+:RowBits] <= RowBits'(count.tx);
      inc_row_q[3*RowBits+:RowBits] <= {count.domain, count.reply};
      inc_row_q[4*RowBits+:RowBits] <= {count.address, count.reply};
      inc_row_q[5*RowBits+:RowBits] <= {count.service, count.reply};
      inc_row_q[6*RowBits+:RowBits] <= {count.backend, count.reply};
    end
    inc_q <= {count.backend_valid, count.service_valid, count.address_valid, count.domain_valid,
              count.tx_valid, 2'b11} & {Tables{count_valid_i}};
    if (rd_valid_i) begin
      read_row_q <= rd_row_i;
    end
    for (int unsigned t = 0; t < Tables; t++) begin
      read_q[t] <= rd_valid_i && rd_table_i == 4'(t);
      if (rd_valid_i) begin
        ours_q[t] <= rd_table_i == 4'(t);
      end
    end
    if (!rst_ni) begin
      inc_q  <= '0;
      read_q <= '0;
    end
  end

  logic [Tables-1:0]    done;
  logic [Tables*64-1:0] packets;
  logic [Tables*64-1:0] octets;
  logic [Tables-1:0]    busy;

  for (genvar t = 0; t < Tables; t++) begin : g_table
    localparam int unsigned Rows = (t == 0) ? ReasonRows :
                                   (t <= 2) ? Functions :
                                   (t == 3) ? 2 * Domains :
                                   (t == 4) ? 2 * Addresses :
                                   (t == 5) ? 2 * Services : 2 * Backends;
    localparam int unsigned Bits = $clog2(Rows);

    logic [RowBits-1:0] row;
    logic [RowBits-1:0] read_row;
    logic               unused_rows;

    assign row         = inc_row_q[t*RowBits+:RowBits];
    assign read_row    = RowBits'(read_row_q);
    assign unused_rows = ^{row, read_row};

    portcam_counters #(
        .Rows(Rows)
    ) u_counters (
        .clk_i         (clk_i),
        .rst_ni        (rst_ni),
        .inc_valid_i   (inc_q[t]),
        .inc_row_i     (row[Bits-1:0]),
        .inc_bytes_i   (octets_q),
        .read_valid_i  (read_q[t]),
        .read_row_i    (read_row[Bits-1:0]),
        .read_done_o   (done[t]),
        .read_packets_o(packets[t*64+:64]),
        .read_bytes_o  (octets[t*64+:64]),
        .init_i        (clear_i),
        .busy_o        (busy[t])
    );
  end

  // Injected frames, in counters of their own: function_tx is the sum of both.
  logic        sent_q;
  logic [7:0]  sent_row_q;
  logic [15:0] sent_octets_q;
  logic        unused_sent_done;
  logic [63:0] sent_packets;
  logic [63:0] sent_octets;
  logic        sent_busy;
  logic        unused_sent_row;

  always_ff @(posedge clk_i) begin
    sent_q <= sent_valid_i;
    if (sent_valid_i) begin
      sent_row_q    <= sent_function_i;
      sent_octets_q <= sent_octets_i;
    end
    if (!rst_ni) begin
      sent_q <= 1'b0;
    end
  end

  portcam_counters #(
      .Rows(Functions)
  ) u_sent (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .inc_valid_i   (sent_q),
      .inc_row_i     (sent_row_q[$clog2(Functions)-1:0]),
      .inc_bytes_i   (sent_octets_q),
      .read_valid_i  (read_q[2]),
      .read_row_i    (read_row_q[$clog2(Functions)-1:0]),
      .read_done_o   (unused_sent_done),
      .read_packets_o(sent_packets),
      .read_bytes_o  (sent_octets),
      .init_i        (clear_i),
      .busy_o        (sent_busy)
  );

  assign unused_sent_row = ^sent_row_q;
  assign busy_o          = busy != '0 || sent_busy;

  //------------------------------------------------------------------------------------------------
  // The answer. `late` counts for tables that do not exist. What two tables have is added in two
  // clocks, so that no carry runs through 64 bits.

  logic [10:0]  late_q;
  logic [127:0] own;        // packets, octets
  logic [127:0] own_q;
  logic [127:0] sent_part_q;
  logic [127:0] sum_q;
  logic [1:0]   carry_q;    // into the upper halves
  logic [127:0] answer_q;
  logic         done_q;
  logic         unused_done;

  assign unused_done = ^done;

  always_comb begin
    own = '0;
    for (int unsigned t = 0; t < Tables; t++) begin
      if (ours_q[t]) begin
        own = {packets[t*64+:64], octets[t*64+:64]};
      end
    end
  end

  always_ff @(posedge clk_i) begin
    late_q <= {late_q[9:0], rd_valid_i};
    done_q <= late_q[10];
    if (late_q[8]) begin
      own_q       <= own;
      sent_part_q <= ours_q[2] ? {sent_packets, sent_octets} : '0;
    end
    for (int unsigned i = 0; i < 2; i++) begin
      if (late_q[9]) begin
        {carry_q[i], sum_q[64*i+:32]} <= {1'b0, own_q[64*i+:32]} + {1'b0, sent_part_q[64*i+:32]};
        sum_q[64*i+32+:32] <= own_q[64*i+32+:32] + sent_part_q[64*i+32+:32];
      end
      if (late_q[10]) begin
        answer_q[64*i+:64] <= {sum_q[64*i+32+:32] + 32'(carry_q[i]), sum_q[64*i+:32]};
      end
    end
    if (!rst_ni) begin
      late_q <= '0;
      done_q <= 1'b0;
    end
  end

  assign rd_done_o    = done_q;
  assign rd_packets_o = answer_q[127:64];
  assign rd_octets_o  = answer_q[63:0];

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_answer_in_time : assert (done == '0 || late_q[8]);
    end
  end
`endif

endmodule

`resetall
