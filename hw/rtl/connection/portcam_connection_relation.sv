// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_relation: what an event has of what a later operation looks for, known in the
// clock after its decision without a comparison in that clock.
//
// With valid_i: the operation's question_i, its relation last_i to the event of the clock before,
// and deciding_i, all that the decision of this clock may make its event of: each is compared. One
// clock later origin_i says which of them it was, and relation_o is the relation to that event.

`default_nettype none

module portcam_connection_relation (
    input  logic                              clk_i,
    input  logic                              valid_i,
    input  portcam_connection_pkg::question_t question_i,
    input  portcam_connection_pkg::relation_t last_i,
    input  portcam_connection_pkg::deciding_t deciding_i,
    input  portcam_connection_pkg::origin_t   origin_i,
    output portcam_connection_pkg::relation_t relation_o
);

  portcam_connection_pkg::same_t fresh;
  portcam_connection_pkg::same_t known;
  portcam_connection_pkg::same_t fresh_q;
  portcam_connection_pkg::same_t known_q;
  portcam_connection_pkg::same_t last_q;
  logic [2:0]                    second_q;   // endpoint, first, second of the second candidate
  logic                          known_where_q;
  logic                          last_where_q;
  logic                          place1_q;
  logic                          place2_q;
  logic                          entry1_q;
  logic                          entry2_q;
  logic                          unused_bits;

  assign unused_bits = ^{deciding_i, last_i, origin_i};

  portcam_connection_same u_fresh (
      .valid_i   (valid_i),
      .question_i(question_i),
      .row_i     (deciding_i.fresh),
      .same_o    (fresh)
  );

  portcam_connection_same u_known (
      .valid_i   (valid_i),
      .question_i(question_i),
      .row_i     (deciding_i.known),
      .same_o    (known)
  );

  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      fresh_q       <= fresh;
      known_q       <= known;
      last_q        <= last_i.row;
      second_q      <= {deciding_i.second == question_i.endpoint,
                        deciding_i.second == question_i.first,
                        deciding_i.second == question_i.second};
      known_where_q <= deciding_i.where == question_i.where;
      last_where_q  <= last_i.where;
      place1_q      <= deciding_i.places.place1.where == question_i.where;
      place2_q      <= deciding_i.places.place2.where == question_i.where;
      entry1_q      <= deciding_i.places.entry1.where == question_i.where;
      entry2_q      <= deciding_i.places.entry2.where == question_i.where;
    end
  end

  always_comb begin
    relation_o.left = origin_i.last ? last_q : known_q;
    relation_o.row  = relation_o.left;
    if (origin_i.fresh) begin
      relation_o.row = fresh_q;
      if (origin_i.second) begin
        {relation_o.row.endpoint, relation_o.row.first, relation_o.row.second} = second_q;
      end
    end
    relation_o.where = origin_i.last ? last_where_q : known_where_q;
    if (origin_i.place1 || origin_i.place2 || origin_i.entry1 || origin_i.entry2) begin
      relation_o.where = (origin_i.place1 && place1_q) || (origin_i.place2 && place2_q) ||
                         (origin_i.entry1 && entry1_q) || (origin_i.entry2 && entry2_q);
    end
  end

endmodule

`resetall
