// SPDX-License-Identifier: Apache-2.0
//
// portcam_sums: the new checksums of a rewritten packet, put into its rewrite instruction.
//
// IPv4 header: the words of the old and the new address. Layer 4: those, and the port where it is
// set. A word that is not part of a sum is given as old 0xFFFF, new 0, which adds exactly 0 to RFC
// 1624 equation 3. Exactly 4 clocks, one a clock. rewrite_i carries the old checksums, old_ip_i and
// old_port_i what ip and port replace.
//
// Of an ICMP error about a flow these are the checksums of the embedded packet; then outer_ip_i is
// what ip replaces in the frame's own IP header, and two more are made: that header's, and the one
// of ICMP, as docs/pipeline.md, section 5, says it.

`default_nettype none

module portcam_sums (
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic                        valid_i,
    input  portcam_types_pkg::rewrite_t rewrite_i,
    input  logic                        from_host_i,
    input  logic                        udp_i,
    input  logic [127:0]                old_ip_i,
    input  logic [127:0]                outer_ip_i,
    input  logic [15:0]                 old_port_i,
    output logic                        valid_o,
    output portcam_types_pkg::rewrite_t rewrite_o,
    output logic                        from_host_o
);

  portcam_types_pkg::rewrite_t in;
  logic [127:0]                old_words;
  logic [127:0]                new_words;
  logic [127:0]                outer_words;
  logic [16*9-1:0]             old_l4;
  logic [16*9-1:0]             new_l4;
  logic [15:0]                 ip_sum_q4;
  logic [15:0]                 l4_sum_q4;
  logic [16*17-1:0]            old_icmp;
  logic [16*17-1:0]            new_icmp;
  logic                        inner_port;    // the embedded port counts in the ICMP checksum
  logic                        inner_words;   // ... and the words of the embedded address, IPv6
  logic [15:0]                 outer_ip_sum_q4;
  logic [15:0]                 icmp_sum_q4;
  logic [1:0]                  unused_error;
  logic                        unused_valid;
  logic                        unused_in;

  assign in        = rewrite_i;
  assign unused_in = ^in;

  // The words of the wire are big-endian: first byte high.
  for (genvar w = 0; w < 8; w++) begin : g_word
    assign old_words[w*16+:16] = {old_ip_i[w*16+:8], old_ip_i[w*16+8+:8]};
    assign new_words[w*16+:16] = {in.ip[w*16+:8], in.ip[w*16+8+:8]};
    assign outer_words[w*16+:16] = {outer_ip_i[w*16+:8], outer_ip_i[w*16+8+:8]};
  end

  always_comb begin
    old_l4[31:0]    = old_words[31:0];
    new_l4[31:0]    = new_words[31:0];
    old_l4[127:32]  = in.is_v6 ? old_words[127:32] : '1;
    new_l4[127:32]  = in.is_v6 ? new_words[127:32] : '0;
    old_l4[143:128] = in.set_port ? old_port_i : 16'hFFFF;
    new_l4[143:128] = in.set_port ? in.port : 16'h0000;
  end

  assign inner_port  = in.set_port && !in.set_l4_sum;
  assign inner_words = in.is_v6 && !in.set_l4_sum;

  // What the embedded checksums do not make up for. IPv4: the embedded header's makes up for the
  // address; if that of layer 4 does so too it is the address once too often.
  always_comb begin
    old_icmp = '1;
    new_icmp = '0;
    if (in.is_v6) begin
      old_icmp[127:0] = outer_words;
      new_icmp[127:0] = new_words;
    end else if (in.set_l4_sum) begin
      old_icmp[31:0] = new_words[31:0];
      new_icmp[31:0] = old_words[31:0];
    end
    if (inner_words) begin
      old_icmp[255:128] = old_words;
      new_icmp[255:128] = new_words;
    end
    if (inner_port) begin
      old_icmp[271:256] = old_port_i;
      new_icmp[271:256] = in.port;
    end
  end

  portcam_checksum_update #(
      .Words(2)
  ) u_outer_ip (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_i && in.about_flow),
      .old_i  (outer_words[31:0]),
      .new_i  (new_words[31:0]),
      .sum_i  ({in.outer_ip_sum[7:0], in.outer_ip_sum[15:8]}),
      .udp_i  (1'b0),
      .valid_o(unused_error[0]),
      .sum_o  (outer_ip_sum_q4)
  );

  portcam_checksum_update #(
      .Words(17)
  ) u_icmp (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_i && in.about_flow),
      .old_i  (old_icmp),
      .new_i  (new_icmp),
      .sum_i  ({in.icmp_sum[7:0], in.icmp_sum[15:8]}),
      .udp_i  (1'b0),
      .valid_o(unused_error[1]),
      .sum_o  (icmp_sum_q4)
  );

  portcam_checksum_update #(
      .Words(2)
  ) u_ip (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_i),
      .old_i  (old_words[31:0]),
      .new_i  (new_words[31:0]),
      .sum_i  ({in.ip_sum[7:0], in.ip_sum[15:8]}),
      .udp_i  (1'b0),
      .valid_o(valid_o),
      .sum_o  (ip_sum_q4)
  );

  portcam_checksum_update #(
      .Words(9)
  ) u_l4 (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_i),
      .old_i  (old_l4),
      .new_i  (new_l4),
      .sum_i  ({in.l4_sum[7:0], in.l4_sum[15:8]}),
      .udp_i  (udp_i),
      .valid_o(unused_valid),
      .sum_o  (l4_sum_q4)
  );

  portcam_types_pkg::rewrite_t late_q4;
  portcam_types_pkg::rewrite_t out;
  logic                        from_host_q4;
  logic                        unused_late;

  portcam_delay #(
      .Width ($bits(late_q4) + 1),
      .Cycles(4)
  ) u_delay (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_i),
      .data_i ({from_host_i, rewrite_i}),
      .data_o ({from_host_q4, late_q4})
  );

  assign unused_late = ^{late_q4.ip_sum, late_q4.l4_sum, late_q4.outer_ip_sum, late_q4.icmp_sum};

  always_comb begin
    out              = late_q4;
    out.ip_sum       = {ip_sum_q4[7:0], ip_sum_q4[15:8]};
    out.l4_sum       = {l4_sum_q4[7:0], l4_sum_q4[15:8]};
    out.outer_ip_sum = {outer_ip_sum_q4[7:0], outer_ip_sum_q4[15:8]};
    out.icmp_sum     = {icmp_sum_q4[7:0], icmp_sum_q4[15:8]};
  end

  assign rewrite_o   = out;
  assign from_host_o = from_host_q4;

endmodule

`resetall
