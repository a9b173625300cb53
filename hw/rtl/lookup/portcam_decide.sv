// SPDX-License-Identifier: Apache-2.0
//
// portcam_decide: from everything the tables know about a packet to its reason, its egress, its
// rewrite and its counters.
//
// The order of tests is that of the pipeline description, sections 3 and 4: what the parser decided;
// a service; an endpoint; the policy of a known address; nothing. What records say about it is there
// already (portcam_connections). A reject is not limited yet (portcam_reject_limit), and nothing is
// punted (portcam_punt_limit). Latency exactly 2 clocks, one packet a clock. All inputs belong to the
// packet of valid_i. In rewrite_o the checksums are still those of the frame, portcam_sums makes them
// new; old_ip_o and old_port_o are what ip and port replace, of an ICMP error in the embedded packet;
// outer_ip_o is what ip replaces in its own header.

`default_nettype none

module portcam_decide (
    input  logic                                clk_i,
    input  logic                                rst_ni,
    input  logic                                valid_i,
    input  portcam_lookup_pkg::packet_t         packet_i,
    input  portcam_lookup_pkg::function_match_t function_i,
    input  portcam_lookup_pkg::address_match_t  address_i,
    input  portcam_lookup_pkg::verdict_t        address_verdict_i,
    input  portcam_lookup_pkg::service_match_t  service_i,
    input  portcam_lookup_pkg::backend_match_t  backend_i,
    input  portcam_lookup_pkg::endpoint_match_t endpoint_i,
    input  portcam_lookup_pkg::verdict_t        endpoint_verdict_i,
    input  portcam_lookup_pkg::segment_t        segment_i,
    input  portcam_connection_pkg::verdict_t    connection_i,
    input  portcam_lookup_pkg::public_match_t   public_i,
    input  logic                                device_present_i,
    input  logic [47:0]                         device_mac_i,
    output logic                                valid_o,
    output portcam_types_pkg::rewrite_t         rewrite_o,
    output portcam_types_pkg::count_t           count_o,
    output logic                                from_host_o,
    output logic                                udp_o,
    output logic [127:0]                        old_ip_o,
    output logic [127:0]                        outer_ip_o,
    output logic [15:0]                         old_port_o,
    output logic                                no_answer_o
);

  localparam logic [7:0] ProtocolUdp     = 8'd17;
  localparam logic [7:0] ProtocolDccp    = 8'd33;
  localparam logic [7:0] ProtocolSctp    = 8'd132;
  localparam logic [7:0] ProtocolUdplite = 8'd136;

  //------------------------------------------------------------------------------------------------
  // Clock 1: who decides, and what would be in the way of a translation in either direction.

  typedef enum logic [2:0] {
    ByNothing  = 3'd0,
    ByParser   = 3'd1,
    ByService  = 3'd2,
    ByEndpoint = 3'd3,
    ByAddress  = 3'd4
  } by_e;

  portcam_lookup_pkg::packet_t         packet;
  portcam_lookup_pkg::function_match_t egress;
  portcam_lookup_pkg::address_match_t  address;
  portcam_lookup_pkg::verdict_t        address_verdict;
  portcam_lookup_pkg::service_match_t  service;
  portcam_lookup_pkg::backend_match_t  backend;
  portcam_lookup_pkg::endpoint_match_t endpoint;
  portcam_lookup_pkg::verdict_t        endpoint_verdict;
  logic                                known;
  logic [2:0]                          by;
  portcam_lookup_pkg::segment_t        segment;
  portcam_connection_pkg::verdict_t    connection;
  portcam_lookup_pkg::public_match_t   public_end;
  logic                                unused_function;

  assign packet           = packet_i;
  assign egress           = function_i;
  assign address          = address_i;
  assign address_verdict  = address_verdict_i;
  assign service          = service_i;
  assign backend          = backend_i;
  assign endpoint         = endpoint_i;
  assign endpoint_verdict = endpoint_verdict_i;
  assign segment          = segment_i;
  assign connection       = connection_i;
  assign public_end       = public_i;
  assign unused_function  = ^{egress, segment};

  assign known = address.hit && address_verdict.present;

  always_comb begin
    if (packet.decided) begin
      by = 3'(ByParser);
    end else if (known && service.hit) begin
      by = 3'(ByService);
    end else if (endpoint.hit && endpoint_verdict.present) begin
      by = 3'(ByEndpoint);
    end else if (known) begin
      by = 3'(ByAddress);
    end else begin
      by = 3'(ByNothing);
    end
  end

  logic                                valid_q1;
  portcam_lookup_pkg::packet_t         packet_q1;
  logic [7:0]                          default_egress_q1;
  logic [7:0]                          reply_egress_q1;
  portcam_lookup_pkg::address_match_t  address_q1;
  portcam_lookup_pkg::service_match_t  service_q1;
  portcam_lookup_pkg::backend_match_t  backend_q1;
  portcam_lookup_pkg::endpoint_match_t endpoint_q1;
  logic                                device_present_q1;
  logic [47:0]                         device_mac_q1;
  logic [2:0]                          by_q1;
  portcam_lookup_pkg::verdict_t        verdict_q1;
  logic                                no_backend_q1;
  logic                                forward_port_q1;  // the new port differs from the packet's
  logic                                reverse_port_q1;
  logic                                sctp_q1;
  logic                                other_sum_q1;
  logic                                udp_q1;
  logic                                no_sum_q1;        // embedded, UDP without a checksum
  portcam_lookup_pkg::segment_t        segment_q1;
  portcam_connection_pkg::verdict_t    connection_q1;
  logic [127:0]                        public_ip_q1;
  logic                                no_public_q1;

  always_ff @(posedge clk_i) begin
    valid_q1 <= valid_i;
    if (!rst_ni) begin
      valid_q1 <= 1'b0;
    end
    if (valid_i) begin
      packet_q1         <= packet;
      default_egress_q1 <= egress.default_egress;
      reply_egress_q1   <= egress.reply_egress;
      address_q1        <= address;
      service_q1        <= service;
      backend_q1        <= backend;
      endpoint_q1       <= endpoint;
      device_present_q1 <= device_present_i;
      device_mac_q1     <= device_mac_i;
      by_q1             <= by;
      verdict_q1        <= (known && service.hit) ? address_verdict :
                           (by == 3'(ByEndpoint)) ? endpoint_verdict : address_verdict;
      no_backend_q1     <= !backend.present ||
                           (!service.deliver && backend.is_v6 != packet.is_v6);
      forward_port_q1   <= backend.port != 16'd0 && backend.port != packet.dst_port;
      reverse_port_q1   <= endpoint.public_port != 16'd0 &&
                           endpoint.public_port != packet.src_port;
      sctp_q1           <= packet.protocol == ProtocolSctp && !packet.about_flow;
      other_sum_q1      <= packet.protocol == ProtocolDccp || packet.protocol == ProtocolUdplite;
      udp_q1            <= packet.protocol == ProtocolUdp;
      no_sum_q1         <= packet.about_flow && packet.protocol == ProtocolUdp &&
                           packet.l4_sum == 16'd0;
      segment_q1        <= segment;
      connection_q1     <= connection;
      public_ip_q1      <= public_end.ip;
      no_public_q1      <= !public_end.present || public_end.is_v6 != packet.is_v6;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 2: the reason, and everything that follows from it.

  logic [5:0]                  reason;
  logic                        stateful;      // of service or endpoint, and records were asked
  logic                        hidden_ports;  // SCTP ports would have to change
  logic                        drop;
  logic                        reject;
  logic                        forward;
  logic                        reverse;
  logic                        by_record;     // reverse, with the public end of a record
  logic                        deliver;
  logic                        by_state;      // the domain is paused or stopped
  logic [5:0]                  verdict;       // reason, but for an ICMP error about a flow
  logic                        unused_q1;
  logic [7:0]                  to_function;
  logic [5:0]                  policy_reason;   // unknown service
  logic [5:0]                  stopped_reason;

  assign unused_q1 = ^{address_q1.hit, verdict_q1.present, verdict_q1.draining, backend_q1.present,
                       backend_q1.is_v6, endpoint_q1, service_q1, packet_q1.decided,
                       packet_q1.protocol, segment_q1};

  assign policy_reason  = verdict_q1.reject ? 6'(portcam_pkg::ReasonUnknownReject) :
                          verdict_q1.drop   ? 6'(portcam_pkg::ReasonUnknownDrop) :
                                              6'(portcam_pkg::ReasonUnknownPass);
  assign stopped_reason = verdict_q1.reject ? 6'(portcam_pkg::ReasonStoppedReject) :
                          verdict_q1.drop   ? 6'(portcam_pkg::ReasonStoppedDrop) :
                                              6'(portcam_pkg::ReasonStoppedPass);

  assign stateful     = by_q1 == 3'(ByService) ? service_q1.stateful : endpoint_q1.stateful;
  assign hidden_ports = sctp_q1 && (by_q1 == 3'(ByService) ?
                        (stateful ? !service_q1.keeps_port : forward_port_q1) :
                        (stateful ? !endpoint_q1.keeps_port : reverse_port_q1));

  always_comb begin
    forward   = 1'b0;
    reverse   = 1'b0;
    by_record = 1'b0;
    deliver   = 1'b0;
    by_state  = (verdict_q1.paused || verdict_q1.stopped) &&
                (by_q1 == 3'(ByService) || by_q1 == 3'(ByEndpoint) || by_q1 == 3'(ByAddress));
    unique case (by_q1)
      3'(ByParser): begin
        verdict = packet_q1.reason;
      end
      3'(ByService): begin
        if (verdict_q1.paused) begin
          verdict = 6'(portcam_pkg::ReasonPausedDrop);
        end else if (verdict_q1.stopped) begin
          verdict = stopped_reason;
        end else if (service_q1.deliver) begin
          deliver = !no_backend_q1;
          verdict = deliver ? 6'(portcam_pkg::ReasonDeliver) : 6'(portcam_pkg::ReasonNoBackend);
        end else if (stateful) begin
          if (other_sum_q1) begin
            verdict = 6'(portcam_pkg::ReasonOtherChecksum);
          end else if (hidden_ports) begin
            verdict = 6'(portcam_pkg::ReasonSctpPorts);
          end else begin
            forward = !no_backend_q1 && (!packet_q1.about_flow || connection_q1.says ==
                                         4'(portcam_connection_pkg::SaysForward));
            unique case (connection_q1.says)
              4'(portcam_connection_pkg::SaysForward):
              verdict = 6'(portcam_pkg::ReasonConnectionForward);
              4'(portcam_connection_pkg::SaysNew):
              verdict = 6'(portcam_pkg::ReasonConnectionNew);
              4'(portcam_connection_pkg::SaysHash):
              verdict = 6'(portcam_pkg::ReasonHashForward);
              4'(portcam_connection_pkg::SaysFullHash):
              verdict = 6'(portcam_pkg::ReasonTableFullHash);
              4'(portcam_connection_pkg::SaysUnprovenHash):
              verdict = 6'(portcam_pkg::ReasonEmbryonicFullHash);
              4'(portcam_connection_pkg::SaysNoRecord): begin
                forward = 1'b0;
                unique case (service_q1.no_record)
                  2'(portcam_pkg::NoRecordReject): verdict = 6'(portcam_pkg::ReasonNoRecordReject);
                  2'(portcam_pkg::NoRecordDrop):   verdict = 6'(portcam_pkg::ReasonNoRecordDrop);
                  default:                         verdict = 6'(portcam_pkg::ReasonNoRecordPass);
                endcase
              end
              4'(portcam_connection_pkg::SaysDraining): begin
                forward = 1'b0;
                verdict = policy_reason;
              end
              4'(portcam_connection_pkg::SaysAmbiguous): begin
                forward = 1'b0;
                verdict = 6'(portcam_pkg::ReasonAmbiguousReject);
              end
              4'(portcam_connection_pkg::SaysFull): begin
                forward = 1'b0;
                verdict = service_q1.full == 2'(portcam_pkg::FullPunt) ?
                          6'(portcam_pkg::ReasonTableFullPunt) : 6'(portcam_pkg::ReasonTableFull);
              end
              4'(portcam_connection_pkg::SaysUnproven): begin
                forward = 1'b0;
                verdict = 6'(portcam_pkg::ReasonEmbryonicFull);
              end
              default: begin  // SaysNoBackend
                forward = 1'b0;
                verdict = service_q1.no_backend ? 6'(portcam_pkg::ReasonNoBackend)
                                                : 6'(portcam_pkg::ReasonNoBackendReject);
              end
            endcase
            if (no_backend_q1 && (connection_q1.says == 4'(portcam_connection_pkg::SaysForward) ||
                                  connection_q1.says == 4'(portcam_connection_pkg::SaysNew) ||
                                  connection_q1.says == 4'(portcam_connection_pkg::SaysHash) ||
                                  connection_q1.says == 4'(portcam_connection_pkg::SaysFullHash) ||
                                  connection_q1.says ==
                                  4'(portcam_connection_pkg::SaysUnprovenHash))) begin
              verdict = 6'(portcam_pkg::ReasonNoBackend);
            end
          end
        end else if (no_backend_q1) begin
          verdict = 6'(portcam_pkg::ReasonNoBackend);
        end else if (hidden_ports) begin
          verdict = 6'(portcam_pkg::ReasonSctpPorts);
        end else if (other_sum_q1) begin
          verdict = 6'(portcam_pkg::ReasonOtherChecksum);
        end else begin
          forward = 1'b1;
          verdict = 6'(portcam_pkg::ReasonStaticForward);
        end
      end
      3'(ByEndpoint): begin
        if (verdict_q1.paused) begin
          verdict = 6'(portcam_pkg::ReasonPausedDrop);
        end else if (verdict_q1.stopped) begin
          verdict = stopped_reason;
        end else if (stateful) begin
          if (other_sum_q1) begin
            verdict = 6'(portcam_pkg::ReasonOtherChecksum);
          end else if (hidden_ports) begin
            verdict = 6'(portcam_pkg::ReasonSctpPorts);
          end else if (connection_q1.says == 4'(portcam_connection_pkg::SaysReverse)) begin
            reverse   = !no_public_q1;
            by_record = reverse;
            verdict   = reverse ? 6'(portcam_pkg::ReasonConnectionReverse)
                                : 6'(portcam_pkg::ReasonReplyPass);
          end else begin
            reverse = endpoint_q1.alone;
            verdict = reverse ? 6'(portcam_pkg::ReasonHashReverse)
                              : 6'(portcam_pkg::ReasonReplyPass);
          end
        end else if (endpoint_q1.strict) begin
          verdict = 6'(portcam_pkg::ReasonStrictPass);
        end else if (hidden_ports) begin
          verdict = 6'(portcam_pkg::ReasonSctpPorts);
        end else if (other_sum_q1) begin
          verdict = 6'(portcam_pkg::ReasonOtherChecksum);
        end else begin
          reverse = 1'b1;
          verdict = 6'(portcam_pkg::ReasonStaticReverse);
        end
      end
      3'(ByAddress): begin
        if (verdict_q1.paused) begin
          verdict = 6'(portcam_pkg::ReasonPausedDrop);
        end else begin
          verdict = verdict_q1.stopped ? stopped_reason : policy_reason;
        end
      end
      default: begin
        verdict = 6'(portcam_pkg::ReasonNoMatch);
      end
    endcase
  end

  // An ICMP error goes where its flow goes; what no one translates passes.
  assign reason = !packet_q1.about_flow || deliver || by_state ? verdict :
                  forward ? 6'(portcam_pkg::ReasonIcmpForward) :
                  reverse ? 6'(portcam_pkg::ReasonIcmpReverse) : 6'(portcam_pkg::ReasonIcmpError);

  always_comb begin
    unique case (reason)
      6'(portcam_pkg::ReasonNoRecordReject), 6'(portcam_pkg::ReasonNoBackendReject),
      6'(portcam_pkg::ReasonAmbiguousReject), 6'(portcam_pkg::ReasonUnknownReject),
      6'(portcam_pkg::ReasonStoppedReject): reject = 1'b1;
      default:                              reject = 1'b0;
    endcase
    unique case (reason)
      6'(portcam_pkg::ReasonUnknownDrop), 6'(portcam_pkg::ReasonPausedDrop),
      6'(portcam_pkg::ReasonStoppedDrop), 6'(portcam_pkg::ReasonNoBackend),
      6'(portcam_pkg::ReasonOversize), 6'(portcam_pkg::ReasonNoRecordDrop),
      6'(portcam_pkg::ReasonTableFull), 6'(portcam_pkg::ReasonTableFullPunt),
      6'(portcam_pkg::ReasonEmbryonicFull): drop = 1'b1;
      default:                              drop = reject;
    endcase
  end

  assign to_function = (forward || deliver) ? backend_q1.egress :
                       reverse ? reply_egress_q1 :
                       reject ? packet_q1.ingress : default_egress_q1;

  logic                        valid_q2;
  portcam_types_pkg::rewrite_t rewrite_q2;
  portcam_types_pkg::count_t   count_q2;
  logic                        from_host_q2;
  logic                        udp_q2;
  logic [127:0]                old_ip_q2;
  logic [127:0]                outer_ip_q2;
  logic [15:0]                 old_port_q2;
  logic                        no_answer_q2;

  always_ff @(posedge clk_i) begin
    valid_q2 <= valid_q1;
    if (!rst_ni) begin
      valid_q2 <= 1'b0;
    end
    if (valid_q1) begin
      from_host_q2 <= packet_q1.ingress != 8'd0;
      udp_q2       <= udp_q1;
      old_ip_q2    <= forward ? packet_q1.dst_ip : packet_q1.src_ip;
      outer_ip_q2  <= forward ? packet_q1.dst_ip : packet_q1.outer_src_ip;
      old_port_q2  <= forward ? packet_q1.dst_port : packet_q1.src_port;

      rewrite_q2.drop        <= drop;
      rewrite_q2.discarded   <= by_q1 == 3'(ByParser) && drop;
      rewrite_q2.egress      <= to_function;
      rewrite_q2.set_dst_mac <= forward && backend_q1.has_mac;
      rewrite_q2.dst_mac     <= backend_q1.mac;
      rewrite_q2.set_src_mac <= device_present_q1 && ((forward && backend_q1.has_mac) ||
                                                     (reverse && endpoint_q1.has_mac));
      rewrite_q2.src_mac     <= device_mac_q1;
      rewrite_q2.set_dst_ip  <= forward;
      rewrite_q2.set_src_ip  <= reverse;
      rewrite_q2.is_v6       <= packet_q1.is_v6;
      rewrite_q2.ip          <= forward ? backend_q1.ip :
                                by_record ? public_ip_q1 : endpoint_q1.public_ip;
      rewrite_q2.l3          <= packet_q1.l3;
      rewrite_q2.set_ip_sum  <= (forward || reverse) && !packet_q1.is_v6;
      rewrite_q2.ip_sum      <= packet_q1.ip_sum;
      rewrite_q2.set_port    <= packet_q1.has_ports && ((forward && backend_q1.port != 16'd0) ||
                                                       by_record ||
                                                       (reverse &&
                                                        endpoint_q1.public_port != 16'd0));
      rewrite_q2.port        <= forward ? backend_q1.port :
                                by_record ? connection_q1.port : endpoint_q1.public_port;
      rewrite_q2.l4          <= packet_q1.l4;
      rewrite_q2.set_l4_sum  <= (forward || reverse) && packet_q1.has_l4_sum && !no_sum_q1;
      rewrite_q2.l4_sum      <= packet_q1.l4_sum;
      rewrite_q2.l4_sum_at   <= packet_q1.l4_sum_at;

      rewrite_q2.about_flow   <= packet_q1.about_flow && (forward || reverse);
      rewrite_q2.outer_ip_sum <= packet_q1.outer_ip_sum;
      rewrite_q2.icmp_sum     <= packet_q1.outer_l4_sum;
      rewrite_q2.icmp_at      <= packet_q1.outer_l4;

      rewrite_q2.reject          <= reject;
      rewrite_q2.reject_tcp      <= segment_q1.is_tcp;
      rewrite_q2.reject_ack      <= segment_q1.has_ack;
      rewrite_q2.reject_number   <= segment_q1.has_ack ? segment_q1.tcp_ack : segment_q1.tcp_end;
      rewrite_q2.reject_src_port <= packet_q1.src_port;
      rewrite_q2.reject_dst_port <= packet_q1.dst_port;
      rewrite_q2.reject_ip_end   <= segment_q1.ip_end;
      no_answer_q2               <= segment_q1.no_answer;

      count_q2.reason   <= reason;
      count_q2.octets   <= packet_q1.len;
      count_q2.rx       <= packet_q1.ingress;
      count_q2.tx_valid <= !drop;
      count_q2.tx       <= to_function;
      count_q2.reply    <= by_q1 == 3'(ByEndpoint);

      count_q2.connection_valid <= connection_q1.found;
      count_q2.connection       <= connection_q1.slot;
      count_q2.began            <= connection_q1.began;
      if (by_q1 == 3'(ByEndpoint)) begin
        // Of an endpoint that services share only the domain is known without a record.
        count_q2.domain_valid  <= 1'b1;
        count_q2.domain        <= endpoint_q1.domain;
        count_q2.address_valid <= !stateful || reverse;
        count_q2.address       <= by_record ? connection_q1.address : endpoint_q1.address;
        count_q2.service_valid <= !stateful || reverse;
        count_q2.service       <= by_record ? connection_q1.service : endpoint_q1.service;
        count_q2.backend_valid <= !stateful || reverse;
        count_q2.backend       <= by_record ? connection_q1.backend : endpoint_q1.backend;
      end else begin
        count_q2.domain_valid  <= by_q1 == 3'(ByService) || by_q1 == 3'(ByAddress);
        count_q2.domain        <= address_q1.domain;
        count_q2.address_valid <= (by_q1 == 3'(ByService) || by_q1 == 3'(ByAddress)) &&
                                  !address_q1.any;
        count_q2.address       <= address_q1.address;
        count_q2.service_valid <= by_q1 == 3'(ByService);
        count_q2.service       <= service_q1.service;
        count_q2.backend_valid <= forward || deliver;
        count_q2.backend       <= stateful ? connection_q1.backend : service_q1.backend;
      end
      if (reason == 6'(portcam_pkg::ReasonIcmpError)) begin
        count_q2.reply         <= 1'b0;
        count_q2.domain_valid  <= 1'b0;
        count_q2.address_valid <= 1'b0;
        count_q2.service_valid <= 1'b0;
        count_q2.backend_valid <= 1'b0;
      end
    end
  end

  assign valid_o     = valid_q2;
  assign rewrite_o   = rewrite_q2;
  assign count_o     = count_q2;
  assign from_host_o = from_host_q2;
  assign udp_o       = udp_q2;
  assign old_ip_o    = old_ip_q2;
  assign outer_ip_o  = outer_ip_q2;
  assign old_port_o  = old_port_q2;
  assign no_answer_o = no_answer_q2;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && valid_q1) begin
      a_at_most_one_rewrite : assert (!(forward && reverse) && !(drop && (forward || reverse)));
    end
  end
`endif

endmodule

`resetall
