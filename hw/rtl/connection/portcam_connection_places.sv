// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_places: where a new record may go: two places in the table and two in the
// stash, because one of each may be taken by the operation before.
//
// Clock 0, live_i[0]: the buckets of the four tables, used_i the rows of them that were in use when
// they were read; rows that the Events newest events gave to records are in use, too: event_i, which
// was decided in the clock before, and those before it, which are kept here. A row that an event
// freed stays in use for a while longer. Clock 1, live_i[1]: the table whose bucket had the fewest
// rows in use. Clock 2, live_i[2]: stash_used_i and stash_used_v6_i as they are now. One clock later,
// held until the next: places_o. The event that is decided in clock 2 is not known. The operation
// that is decided in a clock takes one of places_o of this clock, or none; they are compared in that
// clock, so that in the next one only origin_i has to be looked at.

`default_nettype none

module portcam_connection_places #(
    parameter int unsigned Ways   = portcam_pkg::BuildConnectionWays,
    parameter int unsigned Stash  = portcam_pkg::BuildConnectionStash,
    parameter int unsigned Events = 13
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    input  portcam_connection_pkg::event_t  event_i,
    input  portcam_connection_pkg::origin_t origin_i,    // of event_i
    input  logic [2:0]                      live_i,
    input  logic                            is_v6_i,
    input  logic [4*16-1:0]                 buckets_i,
    input  logic [4*Ways-1:0]               used_i,
    input  logic [Stash-1:0]                stash_used_i,
    input  logic [Stash-1:0]                stash_used_v6_i,
    output portcam_connection_pkg::places_t places_o
);

  localparam int unsigned RowWays   = 4 * Ways;
  localparam int unsigned WayBits   = $clog2(Ways);
  localparam int unsigned StashBits = $clog2(Stash);
  localparam int unsigned FillBits  = WayBits + 1;

  //------------------------------------------------------------------------------------------------
  // Places that events took, the newest first: event n was decided n + 1 clocks ago.

  portcam_connection_pkg::where_t taken;

  localparam int unsigned WhereBits = $bits(taken);

  logic                 unused_event;
  logic [Events-1:0]    valid;
  logic [Events-1:1]    valid_q;
  (* mem2reg *)
  logic [WhereBits-1:0] taken_q [1:Events-1];

  assign unused_event = ^event_i;
  assign taken        = event_i.where;
  assign valid        = {valid_q, event_i.valid && event_i.live};

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

  //------------------------------------------------------------------------------------------------
  // Clock 0: rows in use. How many of a bucket: as they were read.

  portcam_connection_pkg::where_t old;
  logic                           old_table;
  logic [RowWays-1:0]             used;
  logic [4*FillBits-1:0]          fill;

  always_comb begin
    old       = '0;
    old_table = 1'b0;
    used      = used_i;
    fill      = '0;
    if (live_i[0]) begin
      for (int unsigned n = 0; n < Events; n++) begin
        if (valid[n]) begin
          old = n == 0 ? taken : taken_q[n == 0 ? 1 : n];
          for (int unsigned t = 0; t < 4; t++) begin
            old_table = !old.in_stash && old.is_v6 == is_v6_i &&
                        old.place[WayBits+:2] == 2'(t) && old.bucket == buckets_i[t*16+:16];
            for (int unsigned w = 0; w < Ways; w++) begin
              used[t*Ways+w] |= old_table && old.place[WayBits-1:0] == WayBits'(w);
            end
          end
        end
      end
      for (int unsigned p = 0; p < RowWays; p++) begin
        fill[(p/Ways)*FillBits+:FillBits] += FillBits'(used_i[p]);
      end
    end
  end

  // What the operation that is decided in this clock may take from this one.
  logic [RowWays-1:0] place1;
  logic [RowWays-1:0] place2;

  portcam_connection_offered #(
      .Ways(Ways)
  ) u_offered (
      .valid_i  (live_i[0]),
      .places_i (places_o),
      .is_v6_i  (is_v6_i),
      .buckets_i(buckets_i),
      .place1_o (place1),
      .place2_o (place2)
  );

  //------------------------------------------------------------------------------------------------
  // Clock 1: one more event, and the emptiest bucket, of equal ones the first.

  logic                  is_v6_q1;
  logic [4*16-1:0]       buckets_q1;
  logic [RowWays-1:0]    used_q1;
  logic [RowWays-1:0]    place1_q1;
  logic [RowWays-1:0]    place2_q1;
  logic [4*FillBits-1:0] fill_q1;
  logic [RowWays-1:0]    used_1;
  logic                  low_1;       // the emptier one of tables 0 and 1
  logic                  high_1;      // ... of 2 and 3
  logic [1:0]            emptiest;
  logic                  take1;       // the event took this place
  logic                  take2;
  logic [RowWays-1:0]    place1_1;
  logic [RowWays-1:0]    place2_1;
  logic                  unused_origin;

  assign take1         = event_i.valid && origin_i.place1;
  assign take2         = event_i.valid && origin_i.place2;
  assign unused_origin = ^origin_i;

  portcam_connection_offered #(
      .Ways(Ways)
  ) u_offered_1 (
      .valid_i  (live_i[1]),
      .places_i (places_o),
      .is_v6_i  (is_v6_q1),
      .buckets_i(buckets_q1),
      .place1_o (place1_1),
      .place2_o (place2_1)
  );

  always_ff @(posedge clk_i) begin
    if (live_i[0]) begin
      is_v6_q1   <= is_v6_i;
      buckets_q1 <= buckets_i;
      used_q1    <= used;
      place1_q1  <= place1;
      place2_q1  <= place2;
      fill_q1    <= fill;
    end
  end

  always_comb begin
    used_1   = used_q1;
    low_1    = 1'b0;
    high_1   = 1'b0;
    emptiest = '0;
    if (live_i[1]) begin
      used_1   = used_q1 | (take1 ? place1_q1 : '0) | (take2 ? place2_q1 : '0);
      low_1    = fill_q1[1*FillBits+:FillBits] < fill_q1[0*FillBits+:FillBits];
      high_1   = fill_q1[3*FillBits+:FillBits] < fill_q1[2*FillBits+:FillBits];
      emptiest = {1'b0, low_1};
      if ((high_1 ? fill_q1[3*FillBits+:FillBits] : fill_q1[2*FillBits+:FillBits]) <
          (low_1 ? fill_q1[1*FillBits+:FillBits] : fill_q1[0*FillBits+:FillBits])) begin
        emptiest = {1'b1, high_1};
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 2: one more event. The first place is the lowest of the emptiest bucket, or of the first
  // bucket with a free row; the second is the highest of the last bucket that has another one.

  logic                 is_v6_q2;
  logic [4*16-1:0]      buckets_q2;
  logic [RowWays-1:0]   used_q2;
  logic [RowWays-1:0]   place1_q2;
  logic [RowWays-1:0]   place2_q2;
  logic [1:0]           emptiest_q2;
  logic [RowWays-1:0]   free;
  logic [RowWays-1:0]   free_below;    // another one of its table, below
  logic [RowWays-1:0]   free_above;
  logic [3:0]           has_one;       // a free row, by table
  logic [3:0]           has_two;
  logic [3:0]           has_other;     // ... that is not the first place
  logic [3:0]           table1;        // one hot
  logic [3:0]           table2;
  logic [4*WayBits-1:0] lowest;        // free way, by table
  logic [4*WayBits-1:0] highest;

  always_ff @(posedge clk_i) begin
    if (live_i[1]) begin
      is_v6_q2    <= is_v6_q1;
      buckets_q2  <= buckets_q1;
      used_q2     <= used_1;
      place1_q2   <= place1_1;
      place2_q2   <= place2_1;
      emptiest_q2 <= emptiest;
    end
  end

  always_comb begin
    free       = '0;
    free_below = '0;
    free_above = '0;
    has_one    = '0;
    has_two    = '0;
    has_other  = '0;
    table1     = '0;
    table2     = '0;
    lowest     = '0;
    highest    = '0;
    if (live_i[2]) begin
      free = ~(used_q2 | (take1 ? place1_q2 : '0) | (take2 ? place2_q2 : '0));
      for (int unsigned t = 0; t < 4; t++) begin
        for (int unsigned w = 0; w < Ways; w++) begin
          free_below[t*Ways+w] = (free[t*Ways+:Ways] & ((Ways'(1) << w) - 1'b1)) != '0;
          free_above[t*Ways+w] = (free[t*Ways+:Ways] >> (w + 1)) != '0;
        end
        has_one[t] = free[t*Ways+:Ways] != '0;
        has_two[t] = (free[t*Ways+:Ways] & free_below[t*Ways+:Ways]) != '0;
        for (int unsigned w = 0; w < Ways; w++) begin
          if (free[t*Ways+w] && !free_below[t*Ways+w]) begin
            lowest[t*WayBits+:WayBits] |= WayBits'(w);
          end
          if (free[t*Ways+w] && !free_above[t*Ways+w]) begin
            highest[t*WayBits+:WayBits] |= WayBits'(w);
          end
        end
      end
      for (int unsigned t = 0; t < 4; t++) begin
        table1[t] = emptiest_q2 == 2'(t) ? has_one[t] :
                    has_one[t] && !has_one[emptiest_q2] &&
                    (has_one & ((4'd1 << t) - 4'd1)) == '0;
      end
      has_other = (table1 & has_two) | (~table1 & has_one);
      for (int unsigned t = 0; t < 4; t++) begin
        table2[t] = has_other[t] && (has_other >> (t + 1)) == '0;
      end
    end
  end

  // In the stash.
  logic [Stash-1:0]     stash_free;
  logic [Stash-1:0]     stash_first;   // one hot
  logic [Stash-1:0]     stash_last;
  logic [StashBits-1:0] entry1;
  logic [StashBits-1:0] entry2;

  always_comb begin
    stash_free  = '0;
    stash_first = '0;
    stash_last  = '0;
    entry1      = '0;
    entry2      = '0;
    if (live_i[2]) begin
      for (int unsigned n = 0; n < Stash; n++) begin
        stash_free[n] = !(is_v6_q2 ? stash_used_v6_i[n] : stash_used_i[n]) &&
                        !(valid[0] && taken.in_stash && taken.is_v6 == is_v6_q2 &&
                          taken.place[StashBits-1:0] == StashBits'(n));
      end
      for (int unsigned n = 0; n < Stash; n++) begin
        stash_first[n] = stash_free[n] && (stash_free & ((Stash'(1) << n) - 1'b1)) == '0;
        stash_last[n]  = stash_free[n] && (stash_free >> (n + 1)) == '0;
        entry1 |= stash_first[n] ? StashBits'(n) : '0;
        entry2 |= stash_last[n] ? StashBits'(n) : '0;
      end
    end
  end

  portcam_connection_pkg::places_t places;

  always_comb begin
    places = '0;
    for (int unsigned t = 0; t < 4; t++) begin
      if (table1[t]) begin
        places.place1.where.bucket |= buckets_q2[t*16+:16];
        places.place1.where.place |= 6'({2'(t), lowest[t*WayBits+:WayBits]});
      end
      if (table2[t]) begin
        places.place2.where.bucket |= buckets_q2[t*16+:16];
        places.place2.where.place |= 6'({2'(t), highest[t*WayBits+:WayBits]});
      end
    end
    places.place1.free           = has_one != '0;
    places.place1.where.is_v6    = is_v6_q2;
    places.place2.free           = has_other != '0;
    places.place2.where.is_v6    = is_v6_q2;
    places.entry1.free           = stash_free != '0;
    places.entry1.where.is_v6    = is_v6_q2;
    places.entry1.where.in_stash = 1'b1;
    places.entry1.where.place    = 6'(entry1);
    places.entry2.free           = stash_first != stash_last;
    places.entry2.where.is_v6    = is_v6_q2;
    places.entry2.where.in_stash = 1'b1;
    places.entry2.where.place    = 6'(entry2);
  end

  always_ff @(posedge clk_i) begin
    if (live_i[2]) begin
      places_o <= places;
    end
  end

endmodule

`resetall
