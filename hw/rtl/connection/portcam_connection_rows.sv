// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_rows: the rows of one IP version: four hash tables of Ways rows a bucket, and a
// stash that every lookup searches.
//
// A record has one place in one bucket of each of four tables to go to; the hash gives the four
// buckets. Slot of a table row: bucket * 4 * Ways + table * Ways + way; of stash row n: Rows + n.
//
// Lookup, one a clock: buckets_i and the rest of the question at valid_i; ReadLatency + 2 clocks
// later, answer_q2:
//   same_o      rows of this client key, one bit a slot of the buckets and the stash
//   found_o     of these, rows with the forward key (forward_i) or the reverse key (reverse_i), or
//               the row of slot_i (direct_i), occupied or not
//   row_o, way_o  the found row and its position (bit number of found_o)
//   hit_o       something was found and is in use
//   used_o      rows of the buckets in use
//   ends_o      endpoints of all rows, for the test of ambiguity
// The key of the question is compared when the rows come: key_q_i must be the question of
// ReadLatency clocks ago. With direct_i buckets_i are those of slot_i, all four the same.
//
// Write: one a clock, any time: write_valid_i makes the row of write_slot_i be write_row_i, in use
// as write_live_i says. A lookup that began in the clock of the write or before does not see it, for
// the stash one that began more than ReadLatency clocks before; who asks corrects that
// (portcam_connections). clear_valid_i with a write moves a row: the stash entry clear_entry_i is
// emptied for just those lookups that see the row in its new place, so that each sees it in one.
//
// Init: init_i empties all rows in Rows / (4 * Ways) clocks and a few; it runs by itself after
// reset; busy_o is high from the next clock on.

`default_nettype none

module portcam_connection_rows #(
    parameter bit          IsV6        = 1'b0,
    parameter int unsigned Rows        = 65536,
    parameter int unsigned Ways        = 8,
    parameter int unsigned Stash       = 16,
    parameter int unsigned ReadLatency = 2,
    parameter int unsigned Services    = portcam_pkg::BuildServices,
    parameter int unsigned Addresses   = portcam_pkg::BuildAddresses,
    parameter int unsigned Backends    = portcam_pkg::BuildBackends,
    parameter int unsigned BucketBits  = $clog2(Rows / (4 * Ways)),
    parameter int unsigned Places      = 4 * Ways + Stash
) (
    input  logic                              clk_i,
    input  logic                              rst_ni,
    input  logic                              valid_i,
    input  logic [4*BucketBits-1:0]           buckets_i,
    input  portcam_connection_pkg::row_t      key_q_i,      // client; service, address, port; endpoint
    input  logic                              forward_q_i,
    input  logic                              reverse_q_i,
    input  logic                              direct_q_i,
    input  logic [Places-1:0]                 place_q_i,    // the place of a slot, one hot
    output logic                              hit_o,
    output portcam_connection_pkg::row_t      row_o,
    output logic [Places-1:0]                 found_o,
    output logic [Places-1:0]                 same_q1_o,    // one clock earlier than the others
    output logic [Places*16-1:0]              ends_q1_o,    // likewise
    output logic [Places-1:0]                 used_o,
    output logic [Stash-1:0]                  stash_used_o, // now
    input  logic                              write_valid_i,
    input  logic                              write_live_i,
    input  logic                              write_stash_i,
    input  logic [$clog2(Stash)-1:0]          write_entry_i,
    input  logic [BucketBits-1:0]             write_bucket_i,
    input  logic [1:0]                        write_table_i,
    input  logic [$clog2(Ways)-1:0]           write_way_i,
    input  portcam_connection_pkg::row_t      write_row_i,
    input  logic                              clear_valid_i,
    input  logic [$clog2(Stash)-1:0]          clear_entry_i,
    input  logic                              init_i,
    output logic                              busy_o
);

  if (Ways < 2 || Ways > 16 || (Ways & (Ways - 1)) != 0) begin : g_bad_ways
    $error("portcam_connection_rows: Ways must be a power of two, 2 to 16");
  end
  if (Rows < 8 * Ways || (Rows & (Rows - 1)) != 0) begin : g_bad_rows
    $error("portcam_connection_rows: Rows must be a power of two and at least two buckets of 4 * Ways");
  end
  if (Stash < 2 || Stash > 64 || (Stash & (Stash - 1)) != 0) begin : g_bad_stash
    $error("portcam_connection_rows: Stash must be a power of two, 2 to 64");
  end

  localparam int unsigned ServiceBits = $clog2(Services);
  localparam int unsigned AddressBits = $clog2(Addresses);
  localparam int unsigned BackendBits = $clog2(Backends);
  localparam int unsigned IpBits      = IsV6 ? 128 : 32;

  // A row as it lies in memory: where its fields begin.
  localparam int unsigned EndpointAt   = 0;
  localparam int unsigned BackendAt    = EndpointAt + BackendBits;
  localparam int unsigned PublicPortAt = BackendAt + BackendBits;
  localparam int unsigned AddressAt    = PublicPortAt + 16;
  localparam int unsigned ServiceAt    = AddressAt + AddressBits;
  localparam int unsigned GroupAt      = ServiceAt + ServiceBits;
  localparam int unsigned KeepsAt      = GroupAt + ServiceBits;    // the kept port is the public one
  localparam int unsigned ProtocolAt   = KeepsAt + 1;
  localparam int unsigned PortAt       = ProtocolAt + 8;
  localparam int unsigned IpAt         = PortAt + 16;
  localparam int unsigned LiveAt       = IpAt + IpBits;
  localparam int unsigned WordBits     = LiveAt + 1;

  if (!IsV6 && WordBits > 128 && Services <= 1024 && Addresses <= 1024 && Backends <= 4096)
  begin : g_bad_bits
    $error("portcam_connection_rows: an IPv4 row must fit 128 bits");
  end

  //------------------------------------------------------------------------------------------------
  // Writes and init share the second ports.

  logic                  init_q;
  logic [WordBits-1:0]   write_word;
  logic [BucketBits-1:0] init_bucket_q;
  logic [BucketBits-1:0] b_bucket;

  assign busy_o = init_q;

  always_ff @(posedge clk_i) begin
    if (init_i || !rst_ni) begin
      init_q        <= 1'b1;
      init_bucket_q <= '0;
    end else if (init_q) begin
      init_bucket_q <= init_bucket_q + 1'b1;
      init_q        <= init_bucket_q != '1;
    end
  end

  assign write_word = {write_live_i && !init_q, write_row_i.client.ip[IpBits-1:0],
                       write_row_i.client.port, write_row_i.client.protocol,
                       write_row_i.client.kept == write_row_i.port,
                       write_row_i.client.group[ServiceBits-1:0],
                       write_row_i.service[ServiceBits-1:0], write_row_i.address[AddressBits-1:0],
                       write_row_i.port, write_row_i.backend[BackendBits-1:0],
                       write_row_i.endpoint[BackendBits-1:0]};

  assign b_bucket = init_q ? init_bucket_q : write_bucket_i;

  // A stash entry that its row leaves is emptied when the first rows come that show its new place.
  logic [Stash-1:0]             clears_now;
  logic [ReadLatency*Stash-1:0] clears_q;
  logic [Stash-1:0]             clears;

  assign clears = clears_q[(ReadLatency-1)*Stash+:Stash];

  always_comb begin
    clears_now = '0;
    for (int unsigned n = 0; n < Stash; n++) begin
      clears_now[n] = clear_valid_i && clear_entry_i == ($clog2(Stash))'(n);
    end
  end

  always_ff @(posedge clk_i) begin
    clears_q <= (ReadLatency * Stash)'({clears_q, clears_now});
    if (!rst_ni) begin
      clears_q <= '0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // The rows of the four buckets and of the stash, compared and kept for one clock.

  logic [ReadLatency:1]  valid_q;    // a question is n clocks late
  logic                  valid_q1;   // its rows are compared
  logic                  valid_q2;
  logic [Places-1:0]     same_q1;
  logic [Places-1:0]     found_q1;
  logic [Places-1:0]     live_q1;
  logic [Stash-1:0]      stash_live_q;
  (* mem2reg *)
  logic [WordBits-1:0]   word_q1 [0:Places-1];
  logic [WordBits-1:0]   chosen;
  logic                  key_unused;
  logic                  write_unused;

  // Numbers that this build has no bits for are zero, and so is an IPv4 address beyond its 32 bits.
  assign key_unused   = ^key_q_i;
  assign write_unused = ^write_row_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q  <= '0;
      valid_q1 <= 1'b0;
      valid_q2 <= 1'b0;
    end else begin
      valid_q  <= (ReadLatency)'({valid_q, valid_i});
      valid_q1 <= valid_q[ReadLatency];
      valid_q2 <= valid_q1;
    end
  end

  for (genvar p = 0; p < Places; p++) begin : g_place
    logic [WordBits-1:0] word;
    logic                same;
    logic                fits;

    if (p < 4 * Ways) begin : g_row
      localparam int unsigned T = p / Ways;
      localparam int unsigned W = p % Ways;
      logic                we;
      logic [WordBits-1:0] unused_word;

      assign we = init_q || (write_valid_i && !write_stash_i && write_table_i == 2'(T) &&
                             write_way_i == ($clog2(Ways))'(W));

      portcam_ram #(
          .Width      (WordBits),
          .Depth      (Rows / (4 * Ways)),
          .ReadLatency(ReadLatency)
      ) u_ram (
          .clk_i    (clk_i),
          .a_en_i   (valid_i),
          .a_addr_i (buckets_i[T*BucketBits+:BucketBits]),
          .a_data_o (word),
          .b_en_i   (we),
          .b_we_i   (1'b1),
          .b_addr_i (b_bucket),
          .b_wdata_i(write_word),
          .b_rdata_o(unused_word)
      );
    end else begin : g_stash
      localparam int unsigned N = p - 4 * Ways;
      logic [WordBits-1:0] word_q;

      always_ff @(posedge clk_i) begin
        if (write_valid_i && write_stash_i && write_entry_i == ($clog2(Stash))'(N)) begin
          word_q <= write_word;
        end
        if (!rst_ni || init_q || clears[N]) begin
          word_q[LiveAt] <= 1'b0;
        end
      end

      assign word            = word_q;
      assign stash_live_q[N] = word_q[LiveAt];
    end

    always_comb begin
      same = 1'b0;
      fits = 1'b0;
      if (valid_q[ReadLatency]) begin
        same = word[LiveAt] && word[IpAt+:IpBits] == key_q_i.client.ip[IpBits-1:0] &&
               word[PortAt+:16] == key_q_i.client.port &&
               word[ProtocolAt+:8] == key_q_i.client.protocol &&
               word[GroupAt+:ServiceBits] == key_q_i.client.group[ServiceBits-1:0] &&
               (word[KeepsAt] ? word[PublicPortAt+:16] : 16'd0) == key_q_i.client.kept;
        fits = forward_q_i ?
               word[ServiceAt+:ServiceBits] == key_q_i.service[ServiceBits-1:0] &&
               word[AddressAt+:AddressBits] == key_q_i.address[AddressBits-1:0] &&
               word[PublicPortAt+:16] == key_q_i.port :
               word[EndpointAt+:BackendBits] == key_q_i.endpoint[BackendBits-1:0];
      end
    end

    always_ff @(posedge clk_i) begin
      if (valid_q[ReadLatency]) begin
        word_q1[p]  <= word;
        live_q1[p]  <= word[LiveAt];
        same_q1[p]  <= same;
        found_q1[p] <= direct_q_i ? place_q_i[p] : same && fits && (forward_q_i || reverse_q_i);
      end
    end

    assign ends_q1_o[p*16+:16] = 16'(word_q1[p][EndpointAt+:BackendBits]);
  end

  assign stash_used_o = stash_live_q;
  assign same_q1_o    = same_q1;

  //------------------------------------------------------------------------------------------------
  // The found row.

  logic [WordBits-1:0] row_q2;
  logic [Places-1:0] found_q2;
  logic [Places-1:0] used_q2;

  always_comb begin
    chosen = '0;
    if (valid_q1) begin
      for (int unsigned p = 0; p < Places; p++) begin
        chosen |= found_q1[p] ? word_q1[p] : '0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_q1) begin
      row_q2   <= chosen;
      found_q2 <= found_q1;
      used_q2  <= live_q1;
    end
  end

  always_comb begin
    hit_o                 = row_q2[LiveAt];
    found_o               = found_q2;
    used_o                = used_q2;
    row_o                 = '0;
    row_o.client.is_v6    = IsV6;
    row_o.client.ip       = 128'(row_q2[IpAt+:IpBits]);
    row_o.client.port     = row_q2[PortAt+:16];
    row_o.client.protocol = row_q2[ProtocolAt+:8];
    row_o.client.group    = 16'(row_q2[GroupAt+:ServiceBits]);
    row_o.client.kept     = row_q2[KeepsAt] ? row_q2[PublicPortAt+:16] : 16'd0;
    row_o.service         = 16'(row_q2[ServiceAt+:ServiceBits]);
    row_o.address         = 16'(row_q2[AddressAt+:AddressBits]);
    row_o.port            = row_q2[PublicPortAt+:16];
    row_o.backend         = 16'(row_q2[BackendAt+:BackendBits]);
    row_o.endpoint        = 16'(row_q2[EndpointAt+:BackendBits]);
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && valid_q2 && !busy_o) begin
      a_at_most_one_row_for_a_key :
      assert ((found_q2[4*Ways-1:0] & (found_q2[4*Ways-1:0] - 1'b1)) == '0);
    end
  end
`endif

endmodule

`resetall
