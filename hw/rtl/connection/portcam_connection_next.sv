// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_next: what a packet makes of its record, by sections 4 and 5 of
// docs/connections.md. Combinational.
//
// In: the record (state_i as in portcam_pkg::connection_state_e, embryonic_i, syn_repeats_i) and the
// packet: from_backend_i, is_tcp_i, and of a TCP packet its class (0 syn, 1 syn_ack, 2 fin, 3 ack,
// 4 rst, 5 odd), and whether its sequence number and its end (sequence number + payload + SYN + FIN)
// are later than the record's client_next (portcam_connection_later). accepts_i is read only where a
// port is used again (F.14): the record's backend is there and has a weight.
//
// Out: the record behind the packet. touch_o: its last use becomes now; take_end_o: its client_next
// becomes the packet's end. Packets and octets are counted always, but with keep_o and reschedule_o:
//   keep_o        the record has ended and a new one with the same backend began in its place; the
//                 next_* outputs are the new one's, its creation and last use are now, its counters
//                 begin with this packet
//   reschedule_o  nothing changes; the caller chooses a backend
// syn_repeat_o, syn_reset_o and syn_ack_o count for the backend; for syn_ack_o the caller adds the
// time since the record's creation. was_active_o and is_active_o: the record counted and counts as
// active. A state that does not fit the protocol stays.

`default_nettype none

module portcam_connection_next (
    input  logic [3:0]  state_i,
    input  logic        embryonic_i,
    input  logic [7:0]  syn_repeats_i,
    input  logic        from_backend_i,
    input  logic        is_tcp_i,
    input  logic [2:0]  tcp_class_i,
    input  logic        seq_later_i,
    input  logic        end_later_i,
    input  logic        accepts_i,
    output logic [3:0]  next_state_o,
    output logic        next_embryonic_o,
    output logic [7:0]  next_syn_repeats_o,
    output logic        take_end_o,
    output logic        touch_o,
    output logic        syn_repeat_o,
    output logic        syn_reset_o,
    output logic        syn_ack_o,
    output logic        keep_o,
    output logic        reschedule_o,
    output logic        was_active_o,
    output logic        is_active_o
);

  localparam logic [3:0] SynSeen       = 4'(portcam_pkg::ConnectionStateSynSeen);
  localparam logic [3:0] SynAckSeen    = 4'(portcam_pkg::ConnectionStateSynAckSeen);
  localparam logic [3:0] Established   = 4'(portcam_pkg::ConnectionStateEstablished);
  localparam logic [3:0] ClosingClient = 4'(portcam_pkg::ConnectionStateClosingClient);
  localparam logic [3:0] ClosingServer = 4'(portcam_pkg::ConnectionStateClosingServer);
  localparam logic [3:0] ClosingBoth   = 4'(portcam_pkg::ConnectionStateClosingBoth);
  localparam logic [3:0] ResetClient   = 4'(portcam_pkg::ConnectionStateResetClient);
  localparam logic [3:0] ResetServer   = 4'(portcam_pkg::ConnectionStateResetServer);
  localparam logic [3:0] Reset         = 4'(portcam_pkg::ConnectionStateReset);
  localparam logic [3:0] Unreplied     = 4'(portcam_pkg::ConnectionStateUnreplied);
  localparam logic [3:0] Replied       = 4'(portcam_pkg::ConnectionStateReplied);

  // A TCP packet by its class, one of them or none (odd).
  logic is_syn;
  logic is_syn_ack;
  logic is_fin;
  logic is_ack;
  logic is_rst;

  assign is_syn     = is_tcp_i && tcp_class_i == 3'd0;
  assign is_syn_ack = is_tcp_i && tcp_class_i == 3'd1;
  assign is_fin     = is_tcp_i && tcp_class_i == 3'd2;
  assign is_ack     = is_tcp_i && tcp_class_i == 3'd3;
  assign is_rst     = is_tcp_i && tcp_class_i == 3'd4;

  //------------------------------------------------------------------------------------------------
  // The next state, by the two tables of section 4.

  logic [3:0] after_client;
  logic [3:0] after_backend;
  logic       reuse;          // the pair is marked F.14

  always_comb begin
    after_client = state_i;
    reuse        = 1'b0;
    case (state_i)
      SynAckSeen: begin
        if (is_syn_ack || is_ack) after_client = Established;
        if (is_fin) after_client = ClosingClient;
      end
      Established: begin
        if (is_fin) after_client = ClosingClient;
        if (is_rst) after_client = ResetClient;
      end
      ClosingClient, ClosingBoth, ResetServer: begin
        if (is_rst) after_client = Reset;
        reuse = is_syn && !from_backend_i;
      end
      ClosingServer: begin
        if (is_fin) after_client = ClosingBoth;
        if (is_rst) after_client = Reset;
        reuse = is_syn && !from_backend_i;
      end
      ResetClient: begin
        if (is_fin) after_client = ClosingClient;
        if (is_ack) after_client = Established;
        reuse = is_syn && !from_backend_i;
      end
      Reset: begin
        reuse = is_syn && !from_backend_i;
      end
      default: ;
    endcase
  end

  always_comb begin
    after_backend = is_tcp_i ? state_i : Replied;
    case (state_i)
      SynSeen: begin
        if (is_syn || is_syn_ack) after_backend = SynAckSeen;
        if (is_rst) after_backend = Reset;
      end
      SynAckSeen: begin
        if (is_fin) after_backend = ClosingServer;
        if (is_rst) after_backend = Reset;
      end
      Established: begin
        if (is_fin) after_backend = ClosingServer;
        if (is_rst) after_backend = ResetServer;
      end
      ClosingClient: begin
        if (is_fin) after_backend = ClosingBoth;
        if (is_rst) after_backend = Reset;
      end
      ClosingServer, ClosingBoth, ResetClient: begin
        if (is_rst) after_backend = Reset;
      end
      ResetServer: begin
        if (is_fin) after_backend = ClosingServer;
        if (is_ack) after_backend = Established;
      end
      default: ;
    endcase
  end

  //------------------------------------------------------------------------------------------------
  // Effects.

  logic opening;   // the handshake is not over
  logic proves;    // the client hears the answers
  logic take_end;  // client next becomes the end of this packet

  assign opening = state_i == SynSeen || state_i == SynAckSeen;

  always_comb begin
    if (from_backend_i) begin
      proves   = !is_tcp_i;
      take_end = 1'b0;
    end else begin
      proves   = ((is_ack || is_fin) && state_i != SynSeen && state_i != Reset) ||
                 (is_syn_ack && state_i == SynAckSeen);
      take_end = (is_syn && opening) || ((is_ack || is_fin) && end_later_i);
    end
  end

  assign keep_o       = reuse && accepts_i && seq_later_i;
  assign reschedule_o = reuse && !(accepts_i && seq_later_i);
  assign syn_repeat_o = !from_backend_i && is_syn && opening;
  assign syn_reset_o  = from_backend_i && is_rst && state_i == SynSeen;
  assign syn_ack_o    = from_backend_i && (is_syn || is_syn_ack) && state_i == SynSeen &&
                        syn_repeats_i == '0;
  assign touch_o      = !is_tcp_i || (tcp_class_i < 3'd5 && !reschedule_o);

  assign next_embryonic_o   = keep_o || (embryonic_i && !proves);
  assign take_end_o         = keep_o || take_end;

  always_comb begin
    if (keep_o) begin
      next_state_o = SynSeen;
    end else begin
      next_state_o = from_backend_i ? after_backend : after_client;
    end
    if (keep_o) begin
      next_syn_repeats_o = '0;
    end else begin
      next_syn_repeats_o = syn_repeats_i + 8'(syn_repeat_o && !(&syn_repeats_i));
    end
  end

  assign was_active_o = opening || state_i == Established || state_i == Unreplied ||
                        state_i == Replied;
  assign is_active_o  = next_state_o == SynSeen || next_state_o == SynAckSeen ||
                        next_state_o == Established || next_state_o == Unreplied ||
                        next_state_o == Replied;

`ifndef SYNTHESIS
  always_comb begin
    a_one_answer_to_port_reuse : assert (!(keep_o && reschedule_o));
  end
`endif

endmodule

`resetall
