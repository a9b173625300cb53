// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_given: a record that the host gives, out of its image: what it is found by, its
// life and its counts, and what a packet would ask for that makes it. Combinational.

`default_nettype none

module portcam_connection_given (
    input  portcam_pkg::connection_image_t   image_i,
    output portcam_connection_pkg::request_t request_o,
    output logic [15:0]                      backend_o,
    output logic [15:0]                      endpoint_o,
    output portcam_connection_pkg::life_t    life_o,
    output portcam_connection_pkg::counts_t  counts_o
);

  logic unused_image;

  assign unused_image = ^image_i;

  always_comb begin
    request_o                 = '0;
    request_o.client.is_v6    = image_i.family == 8'(portcam_pkg::Family6);
    request_o.client.ip       = image_i.client_ip;
    request_o.client.port     = image_i.client_port;
    request_o.client.protocol = image_i.protocol;
    request_o.client.group    = image_i.group;
    request_o.client.kept     = image_i.flags[portcam_pkg::ConnectionImageKeptPort] ?
                                image_i.public_port : '0;
    request_o.service         = image_i.service;
    request_o.address         = image_i.address;
    request_o.port            = image_i.public_port;
    request_o.may_create      = 1'b1;
    request_o.tcp_end         = image_i.client_next;
    backend_o                 = image_i.backend;
    endpoint_o                = image_i.endpoint;
    life_o                    = '0;
    life_o.state              = image_i.state[3:0];
    life_o.embryonic          = image_i.flags[portcam_pkg::ConnectionImageEmbryonic];
    life_o.syn_repeats        = image_i.syn_repeats;
    life_o.client_next        = image_i.client_next;
    life_o.created            = image_i.created;
    life_o.last_used          = image_i.last_used;
    counts_o.forward_packets  = image_i.forward_packets[47:0];
    counts_o.forward_octets   = image_i.forward_octets;
    counts_o.reverse_packets  = image_i.reverse_packets[47:0];
    counts_o.reverse_octets   = image_i.reverse_octets;
  end

endmodule

`resetall
