// SPDX-License-Identifier: Apache-2.0
//
// portcam_reject: makes the answer to a rejected frame: TCP RST, or ICMP or ICMPv6 unreachable, as
// docs/pipeline.md, section 6, says it, byte by byte.
//
// It takes the first one or two beats of the frame (frame_*) with its rewrite instruction, which
// holds through both, adds up the checksums 16 bytes a clock, builds the answer 16 bytes a clock,
// and puts its one to three beats into a buffer, from which whole answers leave without a gap and
// in the order of the frames. While it works, at most 32 clocks, and while the buffer is full,
// frame_ready_o is low. m_axis_tdest is the instruction's egress, the function that the frame came
// from.
//
// Inside, everything stands two bytes later than in the frame, so that IP and layer-4 headers are
// words of 32 bits: with t tags the IP header begins at word 4 + t. Words are numbers. An embedded
// packet stands 7 words (IPv4) or 12 words (IPv6) later in the answer than in the frame, however
// many tags there are.

`default_nettype none

module portcam_reject (
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic                        frame_valid_i,
    output logic                        frame_ready_o,
    input  logic [511:0]                frame_data_i,
    input  logic                        frame_second_i,  // bytes 64 to 127
    input  logic                        frame_last_i,    // no other beat of this frame comes here
    input  portcam_types_pkg::rewrite_t rewrite_i,
    output logic [511:0]                m_axis_tdata,
    output logic [63:0]                 m_axis_tkeep,
    output logic                        m_axis_tlast,
    output logic [7:0]                  m_axis_tdest,
    output logic                        m_axis_tvalid,
    input  logic                        m_axis_tready
);

  localparam logic [7:0] ProtocolIcmp   = 8'd1;
  localparam logic [7:0] ProtocolTcp    = 8'd6;
  localparam logic [7:0] ProtocolIcmpv6 = 8'd58;

  portcam_types_pkg::rewrite_t rewrite;
  logic                        unused_rewrite;

  assign rewrite        = rewrite_i;
  assign unused_rewrite = ^rewrite;

  //------------------------------------------------------------------------------------------------
  // Control. Steps 0 to 15 of Sum, then 0 to 12 of Build; a beat is complete behind 4, 8 and 12.

  typedef enum logic [1:0] {
    Collect = 2'd0,
    Sum     = 2'd1,
    Build   = 2'd2,
    Beat    = 2'd3
  } state_e;

  logic [1:0] state_q;
  logic [3:0] step_q;
  logic       take;
  logic       summing;
  logic       building;
  logic       last_beat;
  logic       push_ready;

  assign frame_ready_o = state_q == 2'(Collect);
  assign take          = frame_valid_i && frame_ready_o;
  assign summing       = state_q == 2'(Sum);
  assign building      = state_q == 2'(Build);

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      2'(Collect): begin
        if (take && frame_last_i) begin
          state_q <= 2'(Sum);
        end
        step_q <= 4'd0;
      end
      2'(Sum): begin
        if (step_q == 4'd15) begin
          state_q <= 2'(Build);
        end
        step_q <= step_q + 4'd1;
      end
      2'(Build): begin
        if (step_q[1:0] == 2'd0 && step_q != 4'd0) begin
          state_q <= 2'(Beat);
        end
        step_q <= step_q + 4'd1;
      end
      default: begin
        if (push_ready) begin
          state_q <= last_beat ? 2'(Collect) : 2'(Build);
        end
      end
    endcase
    if (!rst_ni) begin
      state_q <= 2'(Collect);
    end
  end

  //------------------------------------------------------------------------------------------------
  // The frame, and what the instruction says of it.

  logic [1023:0] window_q;
  logic          v6_q;
  logic [1:0]    tags_q;
  logic          tcp_q;
  logic          ack_q;
  logic [31:0]   number_q;
  logic [15:0]   src_port_q;
  logic [15:0]   dst_port_q;
  logic [7:0]    end_q;       // first byte behind the embedded packet, two later than in the frame
  logic [7:0]    embedded_q;  // its bytes
  logic [7:0]    function_q;
  logic [7:0]    last_byte_q; // of the answer, counted from 0
  logic [7:0]    l3;

  assign l3 = {3'd0, rewrite.l3};

  always_ff @(posedge clk_i) begin
    if (take) begin
      if (frame_second_i) begin
        window_q[1023:512] <= frame_data_i;
      end else begin
        window_q[511:0] <= frame_data_i;
      end
      v6_q       <= rewrite.is_v6;
      tags_q     <= {rewrite.l3[4] && rewrite.l3[2], rewrite.l3[4] && !rewrite.l3[2]};
      tcp_q      <= rewrite.reject_tcp;
      ack_q      <= rewrite.reject_ack;
      number_q   <= rewrite.reject_number;
      src_port_q <= rewrite.reject_src_port;
      dst_port_q <= rewrite.reject_dst_port;
      end_q      <= rewrite.reject_ip_end + 8'd2;
      embedded_q <= rewrite.reject_ip_end - l3;
      function_q <= rewrite.egress;
      // TCP over IPv4 with less than two tags is shorter than 60 bytes.
      if (rewrite.reject_tcp) begin
        last_byte_q <= rewrite.is_v6 ? l3 + 8'd59 : (l3 == 8'd22) ? 8'd61 : 8'd59;
      end else begin
        last_byte_q <= rewrite.reject_ip_end + (rewrite.is_v6 ? 8'd47 : 8'd27);
      end
    end
  end

  // Bytes of a word to a number, and back.
  function automatic logic [127:0] swapped(input logic [127:0] words);
    for (int unsigned i = 0; i < 16; i++) begin
      swapped[8*i+:8] = words[8*(i^3)+:8];
    end
  endfunction

  // 16 bytes of the frame, zeros from end_q on. piece_q is that of step_q, the others are older.
  logic [1039:0] padded;
  logic [3:0]    read;
  logic [127:0]  read_words;
  logic [127:0]  piece;
  logic [127:0]  piece_q;
  logic [127:0]  piece_q1;
  logic [127:0]  piece_q2;
  logic [127:0]  piece_q3;

  assign padded = {window_q, 16'd0};
  assign read   = step_q + 4'd1;

  always_comb begin
    read_words = padded[{1'b0, read[2:0], 7'd0}+:128];
    if (read[3]) begin  // bytes 126 and 127 of the frame; the others are behind end_q
      read_words[15:0] = padded[1039:1024];
    end
    for (int unsigned i = 0; i < 16; i++) begin
      piece[8*i+:8] = (read < end_q[7:4] || (read == end_q[7:4] && 4'(i) < end_q[3:0])) ?
                      read_words[8*i+:8] : 8'd0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (summing || building) begin
      piece_q  <= swapped(piece);
      piece_q1 <= piece_q;
      piece_q2 <= piece_q1;
      piece_q3 <= piece_q2;
    end
  end

  // The IP addresses of the frame, first word in bits 31:0.
  logic [319:0] ip_header;
  logic [127:0] src;
  logic [127:0] dst;
  logic         unused_ip_header;

  always_comb begin
    unique case (tags_q)
      2'd0:    ip_header = padded[32*4+:320];
      2'd1:    ip_header = padded[32*5+:320];
      default: ip_header = padded[32*6+:320];
    endcase
  end

  assign src = v6_q ? swapped(ip_header[32*2+:128]) : swapped({96'd0, ip_header[32*3+:32]});
  assign dst = v6_q ? swapped(ip_header[32*6+:128]) : swapped({96'd0, ip_header[32*4+:32]});
  assign unused_ip_header = ^ip_header;

  //------------------------------------------------------------------------------------------------
  // Checksums, eight numbers of 16 bits a step: of layer 4 the embedded packet in steps 1 to 8, its
  // own header in 9, the addresses in 10 and 11; the IPv4 header in 12. What a step adds is in the
  // total three clocks later.

  logic [15:0]  total_length;    // of the IPv4 answer
  logic [15:0]  payload_length;  // of the answer, behind an IPv6 header
  logic [7:0]   protocol;
  logic [15:0]  tcp_word;        // data offset and flags: RST, and ACK unless the segment has it
  logic [127:0] lanes;
  logic [67:0]  pairs_q;
  logic [18:0]  lanes_sum_q;
  logic [23:0]  total_q;
  logic [16:0]  ip_fold_q;
  logic [16:0]  l4_fold_q;
  logic [15:0]  ip_sum_q;
  logic [15:0]  l4_sum_q;

  assign payload_length = tcp_q ? 16'd20 : 16'd8 + {8'd0, embedded_q};
  assign total_length   = payload_length + 16'd20;
  assign protocol       = tcp_q ? ProtocolTcp : v6_q ? ProtocolIcmpv6 : ProtocolIcmp;
  assign tcp_word       = ack_q ? 16'h5004 : 16'h5014;

  always_comb begin
    lanes = '0;
    unique case (step_q)
      4'd1, 4'd2, 4'd3, 4'd4, 4'd5, 4'd6, 4'd7, 4'd8: begin
        if (!tcp_q) begin
          lanes = piece_q;
        end
        if (step_q == 4'd1 && tags_q != 2'd0) begin  // not the tags
          lanes[31:0] = 32'd0;
        end
        if (step_q == 4'd1 && tags_q[1]) begin
          lanes[63:32] = 32'd0;
        end
      end
      4'd9: begin
        if (tcp_q) begin
          lanes[111:0] = {16'd20, 8'd0, ProtocolTcp, tcp_word, number_q, src_port_q, dst_port_q};
        end else if (v6_q) begin
          lanes[47:0] = {payload_length, 8'd0, ProtocolIcmpv6, 16'h0104};
        end else begin
          lanes[15:0] = 16'h0303;
        end
      end
      4'd10: begin
        if (v6_q) begin
          lanes = src;
        end else if (tcp_q) begin
          lanes[63:0] = {dst[31:0], src[31:0]};
        end
      end
      4'd11: begin
        if (v6_q) begin
          lanes = dst;
        end
      end
      4'd12: begin
        lanes = {dst[31:0], src[31:0], 8'd64, protocol, 16'h4000, total_length, 16'h4500};
      end
      default: begin
      end
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (summing) begin
      for (int unsigned i = 0; i < 4; i++) begin
        pairs_q[17*i+:17] <= {1'b0, lanes[32*i+:16]} + {1'b0, lanes[32*i+16+:16]};
      end
      lanes_sum_q <= ({2'd0, pairs_q[0+:17]} + {2'd0, pairs_q[17+:17]}) +
                     ({2'd0, pairs_q[34+:17]} + {2'd0, pairs_q[51+:17]});
      unique case (step_q)
        4'd3, 4'd14: total_q <= {5'd0, lanes_sum_q};
        default:     total_q <= total_q + {5'd0, lanes_sum_q};
      endcase
      unique case (step_q)
        4'd14:   l4_fold_q <= {1'b0, total_q[15:0]} + {9'd0, total_q[23:16]};
        4'd15:   ip_fold_q <= {1'b0, total_q[15:0]} + {9'd0, total_q[23:16]};
        default: begin
        end
      endcase
    end
    ip_sum_q <= ~(ip_fold_q[15:0] + {15'd0, ip_fold_q[16]});
    l4_sum_q <= ~(l4_fold_q[15:0] + {15'd0, l4_fold_q[16]});
  end

  //------------------------------------------------------------------------------------------------
  // Headers of the answer, 15 words at most. Behind those of ICMP comes the embedded packet.

  logic [159:0] l4_words;
  logic [511:0] headers;
  logic [3:0]   header_words;

  always_comb begin
    if (tcp_q) begin
      l4_words = {l4_sum_q, 16'd0, tcp_word, 16'd0, ack_q ? 32'd0 : number_q,
                  ack_q ? number_q : 32'd0, dst_port_q, src_port_q};
    end else begin
      l4_words = {128'd0, v6_q ? 16'h0104 : 16'h0303, l4_sum_q};
    end
    if (v6_q) begin
      headers = {32'd0, l4_words, src, dst, payload_length, protocol, 8'd64, 32'h6000_0000};
    end else begin
      headers = {192'd0, l4_words, src[31:0], dst[31:0], 8'd64, protocol, ip_sum_q, 32'h0000_4000,
                 16'h4500, total_length};
    end
    header_words = (v6_q ? 4'd10 : 4'd5) + (tcp_q ? 4'd5 : 4'd2);
  end

  //------------------------------------------------------------------------------------------------
  // Build: words 4 * step to 4 * step + 3. The headers are moved by the tags before them.

  logic [127:0] header_piece;
  logic [63:0]  header_piece_q;  // the last two words of the step before
  logic [191:0] header_pieces;
  logic [127:0] header_moved;
  logic [127:0] body;
  logic [127:0] words;
  logic [5:0]   word_at;         // place of a word from the IP header on

  always_comb begin
    unique case (step_q)
      4'd1:    header_piece = headers[128*0+:128];
      4'd2:    header_piece = headers[128*1+:128];
      4'd3:    header_piece = headers[128*2+:128];
      4'd4:    header_piece = headers[128*3+:128];
      default: header_piece = '0;
    endcase
    header_pieces = {header_piece, header_piece_q};
    unique case (tags_q)
      2'd0:    header_moved = header_pieces[191:64];
      2'd1:    header_moved = header_pieces[159:32];
      default: header_moved = header_pieces[127:0];
    endcase
    body = tcp_q ? 128'd0 : v6_q ? piece_q3 : {piece_q1[31:0], piece_q2[127:32]};
    word_at = '0;
    words   = body;
    for (int unsigned i = 0; i < 4; i++) begin
      word_at = {step_q, 2'(i)} - 6'd4 - {4'd0, tags_q};
      if (step_q == 4'd1 && 2'(i) < tags_q) begin
        words[32*i+:32] = piece_q[32*i+:32];
      end else if (word_at < {2'd0, header_words}) begin
        words[32*i+:32] = header_moved[32*i+:32];
      end
    end
    // Two bytes of nothing, the MACs exchanged, the first type.
    if (step_q == 4'd0) begin
      words = {piece_q[47:32], piece_q[111:96], piece_q[15:0], piece_q[63:48], piece_q[79:64],
               piece_q[127:112], 16'd0, piece_q[95:80]};
    end
  end

  // The last 80 bytes built; a beat is bytes 2 to 65 of them.
  logic [639:0] built_q;
  logic [1:0]   beat;
  logic [5:0]   tail;      // bytes of the beat, minus one
  logic [5:0]   out_tail;
  logic         unused_built;

  always_ff @(posedge clk_i) begin
    if (building) begin
      built_q        <= {swapped(words), built_q[639:128]};
      header_piece_q <= header_piece[127:64];
    end
  end

  assign beat         = step_q[3:2] - 2'd1;
  assign last_beat    = last_byte_q[7:6] == beat;
  assign unused_built = ^{built_q[639:528], built_q[15:0]};

  assign tail         = last_beat ? last_byte_q[5:0] : 6'd63;

  portcam_packet_fifo #(
      .Width(8 + 6 + 512),
      .Depth(32)
  ) u_answers (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(state_q == 2'(Beat)),
      .push_ready_o(push_ready),
      .push_data_i ({function_q, tail, built_q[527:16]}),
      .push_last_i (last_beat),
      .push_drop_i (1'b0),
      .pop_valid_o (m_axis_tvalid),
      .pop_ready_i (m_axis_tready),
      .pop_data_o  ({m_axis_tdest, out_tail, m_axis_tdata}),
      .pop_last_o  (m_axis_tlast)
  );

  assign m_axis_tkeep = 64'hffff_ffff_ffff_ffff >> (6'd63 - out_tail);

endmodule

`resetall
