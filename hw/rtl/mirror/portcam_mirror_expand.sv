// SPDX-License-Identifier: Apache-2.0
//
// portcam_mirror_expand: makes of each operation its entries of the mirror, one or two, each a
// write of 64 bytes with address and version, in order.
//
// One write a clock, two clocks after the operation; a marker passes as a write without data.
// Versions count the writes since start_i: 1 and up, 0 is left out. While run_i is low nothing is
// inside. empty_o: nothing is.

`default_nettype none

module portcam_mirror_expand (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic                       run_i,
    input  logic                       start_i,
    input  logic [63:0]                base_i,         // multiple of 4,096
    input  logic                       entry_valid_i,
    output logic                       entry_ready_o,
    input  portcam_mirror_pkg::entry_t entry_i,
    output logic                       empty_o,
    output logic                       write_valid_o,
    input  logic                       write_ready_i,
    output portcam_mirror_pkg::track_t write_o,
    output logic [511:0]               write_data_o
);

  //------------------------------------------------------------------------------------------------
  // Clock 1: which of the two layouts, and the version.

  logic                        second_q;    // the second write of the operation comes next
  logic                        is_end;
  logic                        go;          // what is inside may move on
  logic                        load;
  logic                        valid_q1;
  logic                        valid_q2;
  logic [31:0]                 version_q;   // of the last write
  logic [31:0]                 version;
  logic [23:0]                 slot;
  portcam_pkg::mirror_record_t record;
  portcam_pkg::mirror_end_t    ended;
  logic [511:0]                data;
  logic [511:0]                data_q1;
  logic [511:0]                data_q2;
  portcam_mirror_pkg::track_t  track;
  portcam_mirror_pkg::track_t  track_q1;
  portcam_mirror_pkg::track_t  track_q2;

  assign go            = !valid_q2 || write_ready_i;
  assign load          = entry_valid_i && go;
  assign entry_ready_o = go && (second_q || !entry_i.two || entry_i.marker);
  assign is_end        = entry_i.first_end != second_q;
  assign slot          = second_q ? entry_i.second_slot : entry_i.slot;
  assign version       = version_q == '1 ? 32'd1 : version_q + 32'd1;

  always_comb begin
    record             = '0;
    record.slot        = 32'(slot);
    record.generation  = entry_i.generation;
    record.client_port = entry_i.client_port;
    record.public_port = entry_i.port;
    record.client_ip   = entry_i.client_ip;
    record.protocol    = entry_i.protocol;
    record.flags       = {5'd0, entry_i.is_v6, entry_i.kept, entry_i.embryonic};
    record.state       = 8'(entry_i.state);
    record.syn_repeats = entry_i.syn_repeats;
    record.service     = entry_i.service;
    record.address     = entry_i.address;
    record.backend     = entry_i.backend;
    record.endpoint    = entry_i.endpoint;
    record.group       = entry_i.group;
    record.created     = entry_i.created;
    record.last_used   = entry_i.last_used;
    record.client_next = entry_i.client_next;

    ended       = '0;
    if (entry_i.known) begin
      ended.generation           = entry_i.last_generation;
      ended.client_port          = entry_i.client_port;
      ended.public_port          = entry_i.port;
      ended.forward_octets       = entry_i.last_forward_octets;
      ended.reverse_octets       = entry_i.last_reverse_octets;
      ended.protocol             = entry_i.protocol;
      ended.flags                = {5'd0, entry_i.is_v6, entry_i.kept,
                                    entry_i.last_embryonic};
      ended.service              = entry_i.service;
      ended.address              = entry_i.address;
      ended.backend              = entry_i.last_backend;
      ended.endpoint             = entry_i.last_endpoint;
      ended.last_state           = 8'(entry_i.last_state);
      ended.syn_repeats          = entry_i.last_syn_repeats;
      ended.forward_packets      = entry_i.last_forward_packets[31:0];
      ended.forward_packets_high = entry_i.last_forward_packets[47:32];
      ended.reverse_packets      = entry_i.last_reverse_packets[31:0];
      ended.reverse_packets_high = entry_i.last_reverse_packets[47:32];
      ended.lifetime             = entry_i.last_lifetime;
    end
    ended.slot  = 32'(slot);
    ended.state = 8'(portcam_pkg::ConnectionStateNone);
    ended.cause = 8'(entry_i.cause);

    data         = is_end ? ended : record;
    data[31:0]   = version;
    data[511:480] = version;

    track            = '0;
    track.marker     = entry_i.marker;
    track.kind       = second_q ? entry_i.second_event : entry_i.first_event;
    track.slot       = slot;
    if (is_end) begin
      track.generation = entry_i.known ? entry_i.last_generation : '0;
      track.state      = 4'(portcam_pkg::ConnectionStateNone);
    end else begin
      track.generation = entry_i.generation;
      track.state      = entry_i.state;
    end
    track.version    = version;
  end

  always_ff @(posedge clk_i) begin
    if (go) begin
      valid_q1 <= entry_valid_i;
      valid_q2 <= valid_q1;
    end
    if (load) begin
      second_q <= entry_i.two && !second_q && !entry_i.marker;
      if (!entry_i.marker) begin
        version_q <= version;
      end
    end
    if (start_i) begin
      version_q <= '0;
    end
    if (!rst_ni || !run_i) begin
      valid_q1 <= 1'b0;
      valid_q2 <= 1'b0;
      second_q <= 1'b0;
    end
  end

  // Clock 2: the address.
  logic [63:0] addr;

  portcam_address_sum u_addr (
      .clk_i    (clk_i),
      .base_i   (base_i),
      .offset_i ({2'd0, track_q1.slot, 6'd0}),
      .address_o(addr)
  );

  always_ff @(posedge clk_i) begin
    if (load) begin
      data_q1  <= data;
      track_q1 <= track;
    end
    if (go && valid_q1) begin
      data_q2       <= data_q1;
      track_q2      <= track_q1;
      track_q2.addr <= addr;
    end
  end

  assign empty_o       = !valid_q1 && !valid_q2;
  assign write_valid_o = valid_q2;
  assign write_o       = track_q2;
  assign write_data_o  = data_q2;

  logic unused_bits;
  assign unused_bits = ^{track_q1.addr, entry_i.counted};

endmodule

`resetall
