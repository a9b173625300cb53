// SPDX-License-Identifier: Apache-2.0
//
// portcam_parser_verdict: what layers 2 and 3 decide, and how much room there is for layer 4; in
// two clocks.
//
// Clock 1 turns the tests of layers 2 and 3 into one reason, and measures from the layer-4 header
// to the end of the packet (room) and of the window. Clock 2 adds the end of the extension-header
// chain and multicast, compares the two measures with the sizes that layer 4 asks for, and names
// the protocol.

`default_nettype none

module portcam_parser_verdict (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        valid_i,
    input  logic        oversize_i,
    input  logic        l2_short_i,
    input  logic        non_ip_i,
    input  logic        short_i,
    input  logic        version_i,
    input  logic        ihl_i,
    input  logic        length_i,
    input  logic        fragment_i,
    input  logic        options_i,
    input  logic        multicast_i,
    input  logic        is_v6_i,
    input  logic [1:0]  tags_i,
    input  logic [15:0] payload_i,     // bytes of the packet behind the fixed header
    input  logic        stopped_i,     // end of the walk over extension headers
    input  logic [5:0]  stop_reason_i,
    input  logic [7:0]  protocol_i,
    input  logic [9:0]  at_i,          // layer 4, in words behind the fixed header
    input  logic [9:0]  words_i,       // whole words of payload, at most 1,023
    output logic        valid_o,
    output logic        decided_o,
    output logic [5:0]  reason_o,
    output logic        is_v6_o,
    output logic [7:0]  protocol_o,
    output logic        tcp_o,
    output logic        udp_o,
    output logic        sctp_o,
    output logic        icmp_o,        // of the packet's IP version
    output logic [7:0]  l4_o,          // offset in the frame
    output logic [15:0] room_o,        // bytes of the packet from l4 on
    output logic        room_8_o,      // room is at least 8, and so on
    output logic        room_12_o,
    output logic        room_20_o,
    output logic [6:0]  window_o,      // bytes of the window from l4 on
    output logic        window_4_o,
    output logic        window_8_o,
    output logic        window_18_o
);

  // Clock 1.
  logic        valid_q;
  logic        decided_q;
  logic [5:0]  reason_q;
  logic        multicast_q;
  logic        chain_end_q;     // the chain, or what follows it, goes beyond the packet
  logic        chain_window_q;  // ... beyond the window
  logic        chain_open_q;    // the last header read names another
  logic        stopped_q;
  logic [5:0]  stop_reason_q;
  logic        is_v6_q;
  logic [7:0]  protocol_q;
  logic [7:0]  l4_q;
  logic [15:0] room_q;
  logic [6:0]  window_q;
  logic        extension;
  logic [11:0] at_bytes;

  assign at_bytes = {at_i, 2'b00};

  portcam_parser_extension u_extension (
      .protocol_i (protocol_i),
      .extension_o(extension)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
    end else begin
      valid_q <= valid_i;
    end
    if (valid_i) begin
      decided_q <= oversize_i || l2_short_i || non_ip_i || short_i || version_i || ihl_i ||
                   length_i || fragment_i || options_i;
      reason_q  <= oversize_i ? portcam_pkg::ReasonOversize
                 : l2_short_i ? portcam_pkg::ReasonUnparsedShort
                 : non_ip_i   ? portcam_pkg::ReasonNonIp
                 : short_i    ? portcam_pkg::ReasonUnparsedShort
                 : version_i  ? portcam_pkg::ReasonUnparsedVersion
                 : ihl_i      ? portcam_pkg::ReasonUnparsedIhl
                 : length_i   ? portcam_pkg::ReasonUnparsedLength
                 : fragment_i ? portcam_pkg::ReasonFragment
                              : portcam_pkg::ReasonComplexOptions;
      multicast_q    <= multicast_i;
      chain_open_q   <= !stopped_i && extension;
      chain_end_q    <= extension ? at_i + 10'd2 > words_i : at_i > words_i;
      chain_window_q <= at_i + {8'd0, tags_i} > 10'd18;
      stopped_q      <= stopped_i;
      stop_reason_q  <= stop_reason_i;
      is_v6_q        <= is_v6_i;
      protocol_q     <= protocol_i;
      l4_q           <= (is_v6_i ? 8'd54 : 8'd34) + {4'd0, tags_i, 2'b00} + at_bytes[7:0];
      room_q         <= payload_i - {4'd0, at_bytes};
      window_q       <= (is_v6_i ? 7'd74 : 7'd94) - {3'd0, tags_i, 2'b00} - at_bytes[6:0];
    end
  end

  // Clock 2.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end else begin
      valid_o <= valid_q;
    end
    if (valid_q) begin
      decided_o <= 1'b1;
      if (decided_q) begin
        reason_o <= reason_q;
      end else if (is_v6_q && stopped_q) begin
        reason_o <= stop_reason_q;
      end else if (is_v6_q && chain_end_q) begin
        reason_o <= portcam_pkg::ReasonUnparsedChain;
      end else if (is_v6_q && (chain_open_q || chain_window_q)) begin
        reason_o <= portcam_pkg::ReasonComplexWindow;
      end else if (multicast_q) begin
        reason_o <= portcam_pkg::ReasonMulticast;
      end else begin
        reason_o  <= portcam_pkg::ReasonNoMatch;
        decided_o <= 1'b0;
      end
      is_v6_o     <= is_v6_q;
      protocol_o  <= protocol_q;
      tcp_o       <= protocol_q == 8'd6;
      udp_o       <= protocol_q == 8'd17;
      sctp_o      <= protocol_q == 8'd132;
      icmp_o      <= protocol_q == (is_v6_q ? 8'd58 : 8'd1);
      l4_o        <= l4_q;
      room_o      <= room_q;
      room_8_o    <= room_q >= 16'd8;
      room_12_o   <= room_q >= 16'd12;
      room_20_o   <= room_q >= 16'd20;
      window_o    <= window_q;
      window_4_o  <= window_q >= 7'd4;
      window_8_o  <= window_q >= 7'd8;
      window_18_o <= window_q >= 7'd18;
    end
  end

endmodule

`resetall
