// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_walk: everything that is done with records beside packets: ageing, the host's
// reads and deletes, and the way from the stash back to the table. It takes only the clocks that
// packets leave (walk_ready_i of portcam_connections).
//
// Ageing: a pass looks at all slots; one begins PassMs after the last one began, as long as there
// are records. A scan shows which rows of a bucket are in use, a read shows a record; a record that
// is out of time is ended, one of a paused domain is kept young. Both only if it is still the same
// and was not used in between.
//
// Moves: after records ended while the stash holds some, each of them tries its four buckets again.
//
// Copies: copy_slot_i is looked at by OpCopy, for the mirror, with copy_tag_i as bit 0 of generation,
// when there is nothing else to do.
//
// Host: conn_* and img_* are the bus of portcam_control. A read of conn_count_i slots from
// conn_slot_i on gives one image for each record, in the order of slots. A delete gives the image of
// the record that it ended. An insert (conn_insert_i) makes the record of an image that goes to
// portcam_connections by itself.
//
// stop_i: nothing new is begun. clear_i: everything is forgotten; a host request that was taken ends.
// active_o: something is done or about to be.

`default_nettype none

module portcam_connection_walk #(
    parameter int unsigned Rows     = portcam_pkg::BuildConnectionRows,
    parameter int unsigned RowsV6   = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned Ways     = portcam_pkg::BuildConnectionWays,
    parameter int unsigned Stash    = portcam_pkg::BuildConnectionStash,
    parameter int unsigned Services = portcam_pkg::BuildServices,
    parameter int unsigned Domains  = portcam_pkg::BuildDomains,
    parameter int unsigned PassMs   = 250
) (
    input  logic                           clk_i,
    input  logic                           rst_ni,
    input  logic [31:0]                    time_ms_i,
    input  logic                           bank_i,
    input  logic                           stop_i,
    input  logic                           clear_i,
    output logic                           active_o,
    output logic                           walk_valid_o,
    input  logic                           walk_ready_i,
    output portcam_connection_pkg::walk_t  walk_o,
    input  logic                           walk_done_i,
    input  logic [3:0]                     walk_kind_i,
    input  logic [23:0]                    walk_slot_i,
    input  logic                           walk_acted_i,
    input  logic                           walk_found_i,
    input  logic                           walk_taken_i,
    input  portcam_connection_pkg::row_t   walk_row_i,
    input  portcam_connection_pkg::state_t walk_state_i,
    input  logic [4*Ways-1:0]              walk_used_i,
    input  logic [Stash-1:0]               stash_used_i,
    input  logic [Stash-1:0]               stash_used_v6_i,
    input  logic [31:0]                    used_i,
    input  logic                           ended_i,         // a record ended
    input  logic                           copy_valid_i,
    output logic                           copy_ready_o,
    input  logic [23:0]                    copy_slot_i,
    input  logic                           copy_tag_i,
    input  logic                           conn_valid_i,
    output logic                           conn_ready_o,
    input  logic                           conn_delete_i,
    input  logic                           conn_insert_i,
    input  logic [23:0]                    conn_slot_i,
    input  logic [31:0]                    conn_count_i,
    output logic                           img_valid_o,
    input  logic                           img_ready_i,
    output logic [1023:0]                  img_data_o,
    output logic                           conn_done_o,
    output logic [7:0]                     conn_status_o,
    input  logic                           timeout_req_valid_i,
    input  logic                           domain_req_valid_i,
    input  logic                           req_write_i,
    input  logic                           req_bank_i,
    input  logic [15:0]                    req_row_i,
    input  logic                           req_present_i,
    input  logic [383:0]                   req_data_i,
    output logic                           timeout_done_o,
    output logic                           timeout_present_o,
    output logic [383:0]                   timeout_data_o,
    input  logic                           init_i,
    output logic                           busy_o
);

  localparam int unsigned Group   = 4 * Ways;               // slots that one scan shows
  localparam int unsigned Base6   = Rows + Stash;
  localparam int unsigned Slots   = Rows + RowsV6 + 2 * Stash;
  localparam int unsigned InWork  = 32;                     // operations and results at once
  localparam int unsigned WorkBits = $clog2(InWork);
  localparam int unsigned ImgBits = $bits(walk_row_i) + $bits(walk_state_i) + 24;

  if (Stash > Group) begin : g_bad_stash
    $error("portcam_connection_walk: Stash must be at most 4 * Ways");
  end

  typedef enum logic [3:0] {
    Idle, Ageing, AgeingEnds, Dumping, DumpingEnds, Moving, Deleting, Inserting, Answering
  } mode_e;

  mode_e       mode_q;
  logic        resume_q;      // ageing goes on where it was
  logic [23:0] age_at_q;      // first slot of the next group
  logic [23:0] dump_at_q;
  logic [23:0] at;            // of the one in work
  logic [23:0] first_q;       // the host's slots
  logic [24:0] end_q;
  logic [31:0] pass_q;        // when the last pass began
  logic        moves_q;       // records ended while there was one in the stash
  logic [5:0]  entry_q;       // of the stash, that tries next
  logic        entry_v6_q;
  logic        host_q;        // a request of the host was taken
  logic [31:0] host_generation_q;
  logic        issued_q;      // the one operation of Moving, Deleting or Inserting
  logic [7:0]  status_q;

  //------------------------------------------------------------------------------------------------
  // Operations on their way, and what is to be done with their results.

  logic [WorkBits:0] flying_q;      // operations, without copies
  logic [WorkBits:0] copying_q;     // copies
  logic              done;          // an operation that is not a copy
  logic              copy_now;
  logic              copy_room;
  logic              issue;
  logic              quiet;         // nothing on its way, nothing in a queue
  logic              scan_room;

  logic              groups_push;
  logic [Group+23:0] groups_in;
  logic              groups_ready;
  logic              groups_valid;
  logic              groups_pop;
  logic [Group+23:0] groups_out;
  logic [WorkBits:0] groups_level;

  logic              acts_push;
  logic [91:0]       acts_in;
  logic              acts_ready;
  logic              acts_valid;
  logic              acts_pop;
  logic [91:0]       acts_out;
  logic [WorkBits:0] acts_level;

  logic               imgs_push;
  logic [ImgBits-1:0] imgs_in;
  logic               imgs_ready;
  logic               imgs_valid;
  logic [ImgBits-1:0] imgs_out;
  logic [WorkBits:0]  imgs_level;
  logic [3:1]         check_q;      // a read record is n clocks on its way to the test of its age

  logic               fifo_rst_n;
  logic [WorkBits+1:0] in_work;      // that may become an image or an act
  logic [WorkBits+1:0] in_scans;     // ... or are groups
  logic                read_room;

  assign fifo_rst_n = rst_ni && !clear_i;
  assign in_work    = (WorkBits + 2)'(flying_q) + (WorkBits + 2)'(acts_level) +
                      (WorkBits + 2)'(imgs_level);
  assign in_scans   = in_work + (WorkBits + 2)'(groups_level);

  // One clock old, and 3 records may be on their way to the test of their age.
  always_ff @(posedge clk_i) begin
    read_room <= in_work < (WorkBits + 2)'(InWork - 5);
    scan_room <= in_scans < (WorkBits + 2)'(InWork / 2 - 4);
  end

  portcam_fifo #(
      .Width(Group + 24),
      .Depth(InWork)
  ) u_groups (
      .clk_i       (clk_i),
      .rst_ni      (fifo_rst_n),
      .push_valid_i(groups_push),
      .push_ready_o(groups_ready),
      .push_data_i (groups_in),
      .pop_valid_o (groups_valid),
      .pop_ready_i (groups_pop),
      .pop_data_o  (groups_out),
      .level_o     (groups_level)
  );

  portcam_fifo #(
      .Width(92),
      .Depth(InWork)
  ) u_acts (
      .clk_i       (clk_i),
      .rst_ni      (fifo_rst_n),
      .push_valid_i(acts_push),
      .push_ready_o(acts_ready),
      .push_data_i (acts_in),
      .pop_valid_o (acts_valid),
      .pop_ready_i (acts_pop),
      .pop_data_o  (acts_out),
      .level_o     (acts_level)
  );

  portcam_fifo #(
      .Width(ImgBits),
      .Depth(InWork)
  ) u_images (
      .clk_i       (clk_i),
      .rst_ni      (fifo_rst_n),
      .push_valid_i(imgs_push),
      .push_ready_o(imgs_ready),
      .push_data_i (imgs_in),
      .pop_valid_o (imgs_valid),
      .pop_ready_i (img_ready_i),
      .pop_data_o  (imgs_out),
      .level_o     (imgs_level)
  );

  //------------------------------------------------------------------------------------------------
  // Groups of slots in order: buckets of IPv4, its stash, buckets of IPv6, its stash.

  logic        at_stash;
  logic        at_end;
  logic [23:0] next_at;
  logic        scanning;
  logic        scan_now;      // the next group is scanned in this clock
  logic        stash_now;     // ... is a stash, which needs no scan

  assign scanning  = mode_q == Ageing || mode_q == Dumping;
  assign at        = mode_q == Dumping ? dump_at_q : age_at_q;
  assign at_stash  = at == 24'(Rows) || at == 24'(Base6 + RowsV6);
  assign next_at   = at + (at_stash ? 24'(Stash) : 24'(Group));
  assign at_end    = at >= 24'(Slots) || (mode_q == Dumping && 25'(at) >= end_q);
  assign scan_now  = scanning && !at_end && !at_stash && scan_room && !acts_valid &&
                     walk_valid_o && walk_ready_i &&
                     walk_o.kind == 4'(portcam_connection_pkg::OpScan);
  // The scans before it must be answered first, so that the order of slots is kept.
  assign stash_now = scanning && !at_end && at_stash && flying_q == '0 && !done && scan_room;

  always_comb begin
    groups_push = 1'b0;
    groups_in   = {24'd0, walk_used_i};
    if (walk_done_i && walk_kind_i == 4'(portcam_connection_pkg::OpScan)) begin
      groups_push = walk_used_i != '0;
      groups_in   = {walk_slot_i, walk_used_i};
    end else if (stash_now) begin
      groups_in   = {at, at == 24'(Rows) ? Group'(stash_used_i) : Group'(stash_used_v6_i)};
      groups_push = groups_in[Group-1:0] != '0;
    end
  end

  // Reads of the oldest group, its lowest slot first: slots of the host's range, or any for ageing.
  logic [23:0] read_slot;
  logic        read_wanted;
  logic        read_now;
  logic        reads_left;
  logic        ages;

  assign ages = mode_q == Ageing || mode_q == AgeingEnds;

  portcam_connection_slots #(
      .Group(Group)
  ) u_slots (
      .clk_i        (clk_i),
      .rst_ni       (fifo_rst_n),
      .group_valid_i(groups_valid),
      .group_ready_o(groups_pop),
      .group_at_i   (groups_out[Group+:24]),
      .group_used_i (groups_out[Group-1:0]),
      .all_i        (ages),
      .first_i      (first_q),
      .end_i        (end_q),
      .slot_valid_o (read_wanted),
      .slot_ready_i (read_now),
      .slot_o       (read_slot),
      .busy_o       (reads_left)
  );

  //------------------------------------------------------------------------------------------------
  // What is asked for in this clock: first what ageing found, then reads, then scans, at last copies.

  always_comb begin
    walk_valid_o      = 1'b0;
    walk_o            = '0;
    read_now          = 1'b0;
    acts_pop          = 1'b0;
    copy_now          = 1'b0;
    if (!stop_i && !clear_i) begin
      if (acts_valid) begin
        walk_valid_o = 1'b1;
        walk_o       = acts_out;
        acts_pop     = walk_ready_i;
      end else if (read_wanted) begin
        walk_valid_o = read_room;
        walk_o.kind  = ages ? 4'(portcam_connection_pkg::OpLook)
                            : 4'(portcam_connection_pkg::OpRead);
        walk_o.slot  = read_slot;
        read_now     = read_room && walk_ready_i;
      end else if (scanning && !at_end && !at_stash && scan_room) begin
        walk_valid_o = 1'b1;
        walk_o.kind  = 4'(portcam_connection_pkg::OpScan);
        walk_o.slot  = at;
      end else if (mode_q == Deleting && !issued_q) begin
        walk_valid_o      = 1'b1;
        walk_o.kind       = 4'(portcam_connection_pkg::OpDelete);
        walk_o.slot       = first_q;
        walk_o.generation = host_generation_q;
      end else if (mode_q == Inserting && !issued_q) begin
        walk_valid_o = 1'b1;
        walk_o.kind  = 4'(portcam_connection_pkg::OpInsert);
      end else if (mode_q == Moving && !issued_q && entry_here) begin
        walk_valid_o = copying_q == '0;
        walk_o.kind  = 4'(portcam_connection_pkg::OpMove);
        walk_o.slot  = (entry_v6_q ? 24'(Base6 + RowsV6) : 24'(Rows)) + 24'(entry_q);
      end else if (copy_valid_i && copy_room && mode_q != Moving) begin
        walk_valid_o         = 1'b1;
        walk_o.kind          = 4'(portcam_connection_pkg::OpCopy);
        walk_o.slot          = copy_slot_i;
        walk_o.generation[0] = copy_tag_i;
        copy_now             = walk_ready_i;
      end
    end
  end

  assign issue        = walk_valid_o && walk_ready_i && !copy_now;
  assign quiet        = flying_q == '0 && groups_level == '0 && !reads_left &&
                        acts_level == '0 && imgs_level == '0 && check_q == '0 && !done;
  assign done         = walk_done_i && walk_kind_i != 4'(portcam_connection_pkg::OpCopy);
  assign copy_room    = copying_q != '1;
  assign copy_ready_o = copy_now;

  always_ff @(posedge clk_i) begin
    if (!fifo_rst_n) begin
      flying_q  <= '0;
      copying_q <= '0;
    end else begin
      flying_q  <= flying_q + (WorkBits + 1)'(issue) - (WorkBits + 1)'(done);
      copying_q <= copying_q + (WorkBits + 1)'(copy_now) - (WorkBits + 1)'(walk_done_i && !done);
    end
  end

  //------------------------------------------------------------------------------------------------
  // The test of age: timeouts of the service two clocks after the record, the verdict one later.

  logic                           read_done;
  logic                           aged_read;
  logic                           present;
  logic [255:0]                   timeouts;
  logic [15:0]                    domain;
  logic [3:0]                     state_q1;
  logic [3:0]                     state_q2;
  logic [31:0]                    last_used_q1;
  logic [31:0]                    last_used_q2;
  logic [31:0]                    last_used_q3;
  logic [31:0]                    generation_q1;
  logic [31:0]                    generation_q2;
  logic [31:0]                    generation_q3;
  logic [23:0]                    slot_q1;
  logic [23:0]                    slot_q2;
  logic [23:0]                    slot_q3;
  logic [31:0]                    timeout;
  logic                           over_q3;
  logic                           paused_q3;
  logic [31:0]                    over_by;      // negative: not yet
  logic                           unused_bits;

  assign read_done = walk_done_i && walk_kind_i == 4'(portcam_connection_pkg::OpRead) &&
                     walk_found_i;
  assign aged_read = walk_done_i && walk_kind_i == 4'(portcam_connection_pkg::OpLook) &&
                     walk_found_i;

  portcam_timeout_table #(
      .Services(Services),
      .Domains (Domains)
  ) u_timeouts (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .lookup_en_i     (aged_read),
      .lookup_bank_i   (bank_i),
      .service_i       (walk_row_i.service),
      .lookup_present_o(present),
      .timeouts_o      (timeouts),
      .domain_o        (domain),
      .req_valid_i     (timeout_req_valid_i),
      .req_write_i     (req_write_i),
      .req_bank_i      (req_bank_i),
      .req_row_i       (req_row_i),
      .req_present_i   (req_present_i),
      .req_data_i      (req_data_i),
      .done_o          (timeout_done_o),
      .present_o       (timeout_present_o),
      .data_o          (timeout_data_o),
      .init_i          (init_i),
      .busy_o          (busy_o)
  );

  // Domains that are paused, by bank.
  logic [2*Domains-1:0]     paused_q;
  portcam_pkg::domain_row_t domain_row;
  logic                     unused_domain;

  assign domain_row    = req_data_i;
  assign unused_domain = ^domain_row;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || init_i) begin
      for (int unsigned n = 0; n < 2 * Domains; n++) begin
        paused_q[n] <= 1'b0;
      end
    end else if (domain_req_valid_i && req_write_i) begin
      paused_q[{req_bank_i, req_row_i[$clog2(Domains)-1:0]}] <=
          req_present_i && domain_row.state == 8'(portcam_pkg::DomainStatePaused);
    end
  end

  always_comb begin
    unique case (state_q2)
      4'(portcam_pkg::ConnectionStateSynSeen):       timeout = timeouts[31:0];
      4'(portcam_pkg::ConnectionStateSynAckSeen):    timeout = timeouts[63:32];
      4'(portcam_pkg::ConnectionStateEstablished):   timeout = timeouts[95:64];
      4'(portcam_pkg::ConnectionStateClosingClient),
      4'(portcam_pkg::ConnectionStateClosingServer): timeout = timeouts[127:96];
      4'(portcam_pkg::ConnectionStateClosingBoth):   timeout = timeouts[159:128];
      4'(portcam_pkg::ConnectionStateUnreplied):     timeout = timeouts[223:192];
      4'(portcam_pkg::ConnectionStateReplied):       timeout = timeouts[255:224];
      default:                                       timeout = timeouts[191:160];
    endcase
    over_by = time_ms_i - last_used_q2 - timeout;
  end

  assign unused_bits = ^{domain, over_by};

  always_ff @(posedge clk_i) begin
    check_q <= {check_q[2:1], aged_read};
    if (!fifo_rst_n) begin
      check_q <= '0;
    end
    state_q1      <= walk_state_i.state;
    state_q2      <= state_q1;
    last_used_q1  <= walk_state_i.last_used;
    last_used_q2  <= last_used_q1;
    last_used_q3  <= last_used_q2;
    generation_q1 <= walk_state_i.generation;
    generation_q2 <= generation_q1;
    generation_q3 <= generation_q2;
    slot_q1       <= walk_slot_i;
    slot_q2       <= slot_q1;
    slot_q3       <= slot_q2;
    over_q3       <= present && !over_by[31];
    paused_q3     <= present && paused_q[{bank_i, domain[$clog2(Domains)-1:0]}];
  end

  assign acts_push = check_q[3] && (over_q3 || paused_q3);
  assign acts_in   = {paused_q3 ? 4'(portcam_connection_pkg::OpKeep)
                                : 4'(portcam_connection_pkg::OpAge), slot_q3, generation_q3,
                      last_used_q3};

  //------------------------------------------------------------------------------------------------
  // Images for the host.

  portcam_connection_pkg::row_t   img_row;
  portcam_connection_pkg::state_t img_state;
  logic [23:0]                    img_slot;
  portcam_pkg::connection_image_t img;

  assign imgs_push = read_done ||
                     (walk_done_i && walk_acted_i &&
                      walk_kind_i == 4'(portcam_connection_pkg::OpDelete));
  assign imgs_in   = {walk_row_i, walk_state_i, walk_slot_i};
  assign {img_row, img_state, img_slot} = imgs_out;

  always_comb begin
    img                 = '0;
    img.slot            = 32'(img_slot);
    img.generation      = img_state.generation;
    img.client_ip       = img_row.client.ip;
    img.family          = img_row.client.is_v6 ? 8'(portcam_pkg::Family6)
                                               : 8'(portcam_pkg::Family4);
    img.protocol        = img_row.client.protocol;
    img.client_port     = img_row.client.port;
    img.public_port     = img_row.port;
    img.address         = img_row.address;
    img.service         = img_row.service;
    img.backend         = img_row.backend;
    img.endpoint        = img_row.endpoint;
    img.state           = 8'(img_state.state);
    img.flags[portcam_pkg::ConnectionImageEmbryonic] = img_state.embryonic;
    img.flags[portcam_pkg::ConnectionImageKeptPort]  = img_row.client.kept != '0;
    img.syn_repeats     = img_state.syn_repeats;
    img.group           = img_row.client.group;
    img.client_next     = img_state.client_next;
    img.created         = img_state.created;
    img.last_used       = img_state.last_used;
    img.forward_packets = 64'(img_state.forward_packets);
    img.forward_octets  = img_state.forward_octets;
    img.reverse_packets = 64'(img_state.reverse_packets);
    img.reverse_octets  = img_state.reverse_octets;
  end

  assign img_valid_o = imgs_valid;
  assign img_data_o  = img;

  //------------------------------------------------------------------------------------------------
  // One thing at a time; the host first.

  logic pass_due;
  logic entry_here;   // the entry that tries next holds a record
  logic entry_last;

  assign pass_due     = used_i != '0 && time_ms_i - pass_q >= 32'(PassMs);
  assign entry_here   = entry_v6_q ? stash_used_v6_i[entry_q[$clog2(Stash)-1:0]]
                                   : stash_used_i[entry_q[$clog2(Stash)-1:0]];
  assign entry_last   = entry_q == 6'(Stash - 1);
  assign conn_ready_o = mode_q == Idle && !host_q && !stop_i && !clear_i;
  assign active_o     = mode_q != Idle || flying_q != '0 || copying_q != '0 || copy_valid_i ||
                        host_q || pass_due || moves_q;

  always_ff @(posedge clk_i) begin
    conn_done_o <= 1'b0;
    if (ended_i && (stash_used_i != '0 || stash_used_v6_i != '0)) begin
      moves_q <= 1'b1;
    end

    unique case (mode_q)
      Idle: begin
        if (conn_valid_i && conn_ready_o) begin
          host_q            <= 1'b1;
          host_generation_q <= conn_count_i;
          first_q           <= conn_slot_i;
          end_q             <= 25'(conn_slot_i) + 25'(conn_count_i[23:0]);
          status_q          <= 8'(portcam_pkg::StatusOk);
          issued_q          <= 1'b0;
          mode_q            <= conn_insert_i ? Inserting : conn_delete_i ? Deleting : Dumping;
          // The group that the first slot is in.
          if (conn_slot_i < 24'(Rows)) begin
            dump_at_q <= conn_slot_i & ~24'(Group - 1);
          end else if (conn_slot_i < 24'(Base6)) begin
            dump_at_q <= 24'(Rows);
          end else if (conn_slot_i < 24'(Base6 + RowsV6)) begin
            dump_at_q <= ((conn_slot_i - 24'(Base6)) & ~24'(Group - 1)) + 24'(Base6);
          end else begin
            dump_at_q <= 24'(Base6 + RowsV6);
          end
        end else if (!stop_i && (resume_q || pass_due)) begin
          mode_q   <= Ageing;
          resume_q <= 1'b0;
          if (!resume_q) begin
            age_at_q <= '0;
            pass_q   <= time_ms_i;
          end
        end else if (!stop_i && moves_q) begin
          mode_q     <= Moving;
          moves_q    <= 1'b0;
          issued_q   <= 1'b0;
          entry_q    <= '0;
          entry_v6_q <= 1'b0;
        end
      end

      Ageing: begin
        if (scan_now || stash_now) begin
          age_at_q <= next_at;
        end
        if (at_end) begin
          mode_q <= AgeingEnds;
        end else if (conn_valid_i && !host_q) begin
          mode_q   <= AgeingEnds;
          resume_q <= 1'b1;
        end
      end

      AgeingEnds: begin
        if (quiet) begin
          mode_q <= Idle;
        end
      end

      Dumping: begin
        if (scan_now || stash_now) begin
          dump_at_q <= next_at;
        end
        if (at_end) begin
          mode_q <= DumpingEnds;
        end
      end

      DumpingEnds: begin
        if (quiet) begin
          mode_q <= Answering;
        end
      end

      Moving: begin
        if (issue) begin
          issued_q <= 1'b1;
        end
        if ((done && issued_q) || (!issued_q && !entry_here)) begin
          issued_q <= 1'b0;
          entry_q  <= entry_last ? '0 : entry_q + 6'd1;
          if (entry_last) begin
            entry_v6_q <= 1'b1;
            if (entry_v6_q) begin
              mode_q <= Idle;
            end
          end
        end
      end

      Deleting: begin
        if (issue) begin
          issued_q <= 1'b1;
        end
        if (done) begin
          mode_q <= DumpingEnds;
          if (!walk_acted_i) begin
            status_q <= walk_found_i ? 8'(portcam_pkg::StatusChanged)
                                     : 8'(portcam_pkg::StatusNotFound);
          end
        end
      end

      Inserting: begin
        if (issue) begin
          issued_q <= 1'b1;
        end
        if (done) begin
          mode_q <= Answering;
          if (!walk_acted_i) begin
            status_q <= walk_found_i ? 8'(portcam_pkg::StatusExists)    :
                        walk_taken_i ? 8'(portcam_pkg::StatusAmbiguous) :
                                       8'(portcam_pkg::StatusFull);
          end
        end
      end

      default: begin  // Answering
        conn_done_o <= 1'b1;
        host_q      <= 1'b0;
        mode_q      <= Idle;
      end
    endcase

    if (clear_i) begin
      mode_q      <= Idle;
      resume_q    <= 1'b0;
      moves_q     <= 1'b0;
      host_q      <= 1'b0;
      conn_done_o <= host_q;
      pass_q      <= time_ms_i;
    end
    if (!rst_ni) begin
      mode_q      <= Idle;
      resume_q    <= 1'b0;
      moves_q     <= 1'b0;
      host_q      <= 1'b0;
      conn_done_o <= 1'b0;
      pass_q      <= '0;
    end
  end

  assign conn_status_o = status_q;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !clear_i) begin
      a_groups_have_room : assert (!groups_push || groups_ready);
      a_acts_have_room   : assert (!acts_push || acts_ready);
      a_images_have_room : assert (!imgs_push || imgs_ready);
    end
  end
`endif

endmodule

`resetall
