// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_places: where a new record may go: two places in the table and two in the
// stash, because one of each may be taken by the operation before.
//
// In with live_i: the buckets of the four tables, used_i the rows of them that were in use when they
// were read, emptiest_i the table whose bucket has the fewest of those; stash_used_i and
// stash_used_v6_i now. One clock later, held until the next: places_o. event_i is the event that was
// decided in the clock before live_i; those of the Events - 1 clocks before it are kept here. A row
// that an event gave to a record is in use, one that an event freed is in use for a while longer.

`default_nettype none

module portcam_connection_places #(
    parameter int unsigned Rows   = portcam_pkg::BuildConnectionRows,
    parameter int unsigned RowsV6 = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned Ways   = portcam_pkg::BuildConnectionWays,
    parameter int unsigned Stash  = portcam_pkg::BuildConnectionStash,
    parameter int unsigned Events = 16
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    input  portcam_connection_pkg::event_t  event_i,
    input  logic                            live_i,
    input  logic                            is_v6_i,
    input  logic [4*16-1:0]                 buckets_i,
    input  logic [1:0]                      emptiest_i,
    input  logic [4*Ways-1:0]               used_i,
    input  logic [Stash-1:0]                stash_used_i,
    input  logic [Stash-1:0]                stash_used_v6_i,
    output portcam_connection_pkg::places_t places_o
);

  localparam int unsigned RowWays   = 4 * Ways;
  localparam int unsigned WayBits   = $clog2(Ways);
  localparam int unsigned PlaceBits = WayBits + 2;                // table and way
  localparam int unsigned StashBits = $clog2(Stash);
  localparam int unsigned Base6     = Rows + Stash;               // first slot of IPv6

  //------------------------------------------------------------------------------------------------
  // Rows that events took, the newest first: event n was decided n + 1 clocks ago.

  typedef struct packed {
    logic        is_v6;
    logic        in_stash;
    logic [23:0] slot;      // within its IP version; in the stash its low bits are the entry
  } taken_t;

  taken_t taken;

  localparam int unsigned TakenBits = $bits(taken);

  logic [23:0]          taken_slot;
  logic                 unused_event;
  logic [Events-1:0]    valid;
  logic [Events-1:1]    valid_q;
  (* mem2reg *)
  logic [TakenBits-1:0] taken_q [1:Events-1];

  assign unused_event = ^event_i;
  assign valid        = {valid_q, event_i.valid && event_i.live};

  always_comb begin
    taken.is_v6    = event_i.slot >= 24'(Base6);
    taken_slot     = taken.is_v6 ? event_i.slot - 24'(Base6) : event_i.slot;
    taken.in_stash = taken_slot >= (taken.is_v6 ? 24'(RowsV6) : 24'(Rows));
    taken.slot     = taken_slot;
  end

  always_ff @(posedge clk_i) begin
    valid_q <= valid[Events-2:0];
    if (!rst_ni) begin
      valid_q <= '0;
    end
  end

  for (genvar n = 1; n < Events; n++) begin : g_event
    always_ff @(posedge clk_i) begin
      if (valid[n-1]) begin
        taken_q[n] <= n == 1 ? taken : taken_q[n == 1 ? 1 : n-1];
      end
    end
  end

  taken_t             old;
  logic [RowWays-1:0] used;

  always_comb begin
    old  = '0;
    used = used_i;
    if (live_i) begin
      for (int unsigned n = 0; n < Events; n++) begin
        if (valid[n]) begin
          old = n == 0 ? taken : taken_q[n == 0 ? 1 : n];
          for (int unsigned p = 0; p < RowWays; p++) begin
            used[p] |= !old.in_stash && old.is_v6 == is_v6_i &&
                       old.slot[PlaceBits-1:0] == PlaceBits'(p) &&
                       16'(old.slot[23:PlaceBits]) == buckets_i[(p/Ways)*16+:16];
          end
        end
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // The places, each one hot: the first of the emptiest bucket, and of all others the last.

  logic [RowWays-1:0]              free;
  logic [RowWays-1:0]              best;
  logic [RowWays-1:0]              lowest;
  logic [RowWays-1:0]              others;     // highest first
  logic [RowWays-1:0]              highest;
  logic [PlaceBits-1:0]            place1;
  logic [PlaceBits-1:0]            place2;
  logic [Stash-1:0]                stash_free;
  logic [Stash-1:0]                stash_lowest;
  logic [Stash-1:0]                stash_others;
  logic [Stash-1:0]                stash_highest;
  logic [StashBits-1:0]            entry1;
  logic [StashBits-1:0]            entry2;
  logic [23:0]                     base;
  logic [23:0]                     stash_base;
  portcam_connection_pkg::places_t places;

  always_comb begin
    free          = ~used;
    best          = '0;
    lowest        = '0;
    others        = '0;
    highest       = '0;
    place1        = '0;
    place2        = '0;
    stash_free    = is_v6_i ? ~stash_used_v6_i : ~stash_used_i;
    stash_lowest  = '0;
    stash_others  = '0;
    stash_highest = '0;
    entry1        = '0;
    entry2        = '0;
    if (live_i) begin
      best[emptiest_i*Ways+:Ways] = free[emptiest_i*Ways+:Ways];
      if (best == '0) begin
        best = free;
      end
      lowest = best & (~best + 1'b1);
      for (int unsigned p = 0; p < RowWays; p++) begin
        others[p] = free[RowWays-1-p] && !lowest[RowWays-1-p];
      end
      highest = others & (~others + 1'b1);
      for (int unsigned p = 0; p < RowWays; p++) begin
        place1 |= lowest[p] ? PlaceBits'(p) : '0;
        place2 |= highest[p] ? PlaceBits'(RowWays - 1 - p) : '0;
      end
      for (int unsigned n = 0; n < Stash; n++) begin
        if (valid[0] && taken.in_stash && taken.is_v6 == is_v6_i &&
            taken.slot[StashBits-1:0] == StashBits'(n)) begin
          stash_free[n] = 1'b0;
        end
      end
      stash_lowest = stash_free & (~stash_free + 1'b1);
      for (int unsigned n = 0; n < Stash; n++) begin
        stash_others[n] = stash_free[Stash-1-n] && !stash_lowest[Stash-1-n];
      end
      stash_highest = stash_others & (~stash_others + 1'b1);
      for (int unsigned n = 0; n < Stash; n++) begin
        entry1 |= stash_lowest[n] ? StashBits'(n) : '0;
        entry2 |= stash_highest[n] ? StashBits'(Stash - 1 - n) : '0;
      end
    end
  end

  assign base       = is_v6_i ? 24'(Base6) : 24'd0;
  assign stash_base = is_v6_i ? 24'(Base6 + RowsV6) : 24'(Rows);

  always_comb begin
    places.place1.free = lowest != '0;
    places.place1.slot = base + (24'(buckets_i[place1[WayBits+:2]*16+:16]) << PlaceBits) +
                         24'(place1);
    places.place2.free = highest != '0;
    places.place2.slot = base + (24'(buckets_i[place2[WayBits+:2]*16+:16]) << PlaceBits) +
                         24'(place2);
    places.entry1.free = stash_lowest != '0;
    places.entry1.slot = stash_base + 24'(entry1);
    places.entry2.free = stash_highest != '0;
    places.entry2.slot = stash_base + 24'(entry2);
  end

  always_ff @(posedge clk_i) begin
    if (live_i) begin
      places_o <= places;
    end
  end

endmodule

`resetall
