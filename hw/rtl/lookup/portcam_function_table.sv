// SPDX-License-Identifier: Apache-2.0
//
// portcam_function_table: MAC, source domain and default of each function, and the egress functions
// that follow from them.
//
// Rows in flip-flops, two banks. match_o comes exactly Latency = 3 clocks after valid_i: the
// default egress of the packet (from the network: the lowest host function with its destination
// MAC, else the lowest with is_default, else 1; from a host function: 0), the egress of its
// reversal (the lowest host function but the ingress with its destination MAC, else the default
// egress), and the source domain of a host ingress. One packet a clock; each uses its own bank. The
// row of function 0 is kept, but no packet uses it. Host port: req_valid_i for one clock; done_o
// pulses 2 clocks later, for a read with the row (zeros for an empty one). A lookup sees a write
// from the clock after req_valid_i on. init_i empties all rows in that clock.

`default_nettype none

module portcam_function_table #(
    parameter int unsigned Functions = portcam_pkg::BuildFunctions,
    parameter int unsigned Domains   = portcam_pkg::BuildDomains
) (
    input  logic                                clk_i,
    input  logic                                rst_ni,
    input  logic                                valid_i,
    input  logic                                bank_i,
    input  logic                                has_mac_i,
    input  logic [47:0]                         dst_mac_i,
    input  logic [7:0]                          ingress_i,
    output portcam_lookup_pkg::function_match_t match_o,
    input  logic                                req_valid_i,
    input  logic                                req_write_i,
    input  logic                                req_bank_i,
    input  logic [15:0]                         req_row_i,
    input  logic                                req_present_i,
    input  logic [383:0]                        req_data_i,
    output logic                                done_o,
    output logic                                present_o,
    output logic [383:0]                        data_o,
    input  logic                                init_i
);

  if (Functions < 2 || Functions > 16 || (Functions & (Functions - 1)) != 0) begin : g_bad_functions
    $error("portcam_function_table: Functions must be a power of two, 2 to 16");
  end

  localparam int unsigned RowBits    = $clog2(Functions);
  localparam int unsigned DomainBits = $clog2(Domains);
  localparam int unsigned Rows       = 2 * Functions;  // {bank, function}

  typedef struct packed {
    logic                  is_default;
    logic                  has_domain;
    logic                  has_mac;
    logic [DomainBits-1:0] domain;
    logic [47:0]           mac;
  } row_t;

  portcam_pkg::function_row_t in_row;
  row_t                       in_kept;
  logic                       unused_in;

  localparam int unsigned RowWidth     = $bits(in_kept);
  // Where fields of row_t lie; its MAC is the lowest.
  localparam int unsigned HasMacBit    = 48 + DomainBits;
  localparam int unsigned IsDefaultBit = HasMacBit + 2;

  assign in_row    = req_data_i;
  assign unused_in = ^{in_row, req_row_i};

  always_comb begin
    in_kept.is_default = in_row.flags[portcam_pkg::FunctionRowIsDefault];
    in_kept.has_domain = in_row.flags[portcam_pkg::FunctionRowHasDomain];
    in_kept.has_mac    = in_row.flags[portcam_pkg::FunctionRowHasMac];
    in_kept.domain     = in_row.domain[DomainBits-1:0];
    in_kept.mac        = in_row.mac;
  end

  // An empty row is all zeros, so that its flags need no second look at the valid bit.
  logic [Rows-1:0]          present_q;
  logic [Rows*RowWidth-1:0] rows_q;
  logic [RowBits:0]         req_row;

  assign req_row = {req_bank_i, req_row_i[RowBits-1:0]};

  always_ff @(posedge clk_i) begin
    if (!rst_ni || init_i) begin
      present_q <= '0;
      rows_q    <= '0;
    end else if (req_valid_i && req_write_i) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        if (req_row == (RowBits + 1)'(r)) begin
          present_q[r]                 <= req_present_i;
          rows_q[r*RowWidth+:RowWidth] <= req_present_i ? in_kept : '0;
        end
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 1: the MAC in four parts against each function of the bank. Clock 2: the functions that
  // match.

  logic                   valid_q1;
  logic                   valid_q2;
  logic [RowBits-1:0]     ingress;
  logic [4*Functions-1:0] same_q1;
  logic [Functions-1:0]   has_mac_q1;
  logic [Functions-1:0]   default_q1;
  logic [RowBits-1:0]     ingress_q1;
  logic                   bank_q1;
  logic [Functions-1:0]   mac_q2;
  logic [Functions-1:0]   default_q2;
  logic [RowBits-1:0]     ingress_q2;
  row_t                   source_q2;

  // Its upper bits are 0 in every packet.
  assign ingress = ingress_i[RowBits-1:0];

  logic unused_ingress;
  assign unused_ingress = ^ingress_i;

  for (genvar f = 0; f < Functions; f++) begin : g_function
    // Of bank 0 and of bank 1.
    localparam int unsigned Low  = f * RowWidth;
    localparam int unsigned High = (Functions + f) * RowWidth;

    logic has_mac;
    assign has_mac = (bank_i ? rows_q[High+HasMacBit] : rows_q[Low+HasMacBit]) && has_mac_i &&
                     f != 0;

    always_ff @(posedge clk_i) begin
      if (valid_i) begin
        if (has_mac) begin
          for (int unsigned p = 0; p < 4; p++) begin
            same_q1[f*4+p] <= (bank_i ? rows_q[High+p*12+:12] : rows_q[Low+p*12+:12]) ==
                              dst_mac_i[p*12+:12];
          end
        end
        has_mac_q1[f] <= has_mac;
        default_q1[f] <= (bank_i ? rows_q[High+IsDefaultBit] : rows_q[Low+IsDefaultBit]) && f != 0;
      end
      if (valid_q1) begin
        mac_q2[f] <= has_mac_q1[f] && (&same_q1[f*4+:4]);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    valid_q1 <= valid_i;
    valid_q2 <= valid_q1;
    if (!rst_ni) begin
      valid_q1 <= 1'b0;
      valid_q2 <= 1'b0;
    end
    if (valid_i) begin
      ingress_q1 <= ingress;
      bank_q1    <= bank_i;
    end
    if (valid_q1) begin
      ingress_q2 <= ingress_q1;
      default_q2 <= default_q1;
      source_q2  <= rows_q[{bank_q1, ingress_q1}*RowWidth+:RowWidth];
    end
  end

  // Clock 3: the lowest of them.
  logic [7:0]                          by_mac;
  logic                                by_mac_hit;
  logic [7:0]                          by_default;
  logic [7:0]                          by_hairpin;
  logic                                by_hairpin_hit;
  logic                                unused_source;
  portcam_lookup_pkg::function_match_t match;
  portcam_lookup_pkg::function_match_t match_q3;

  assign unused_source = ^source_q2;

  always_comb begin
    by_mac         = 8'd0;
    by_mac_hit     = 1'b0;
    by_default     = 8'd1;
    by_hairpin     = 8'd0;
    by_hairpin_hit = 1'b0;
    for (int unsigned n = 1; n <= Functions; n++) begin
      // From the highest to the lowest, so that the lowest one stays.
      if (mac_q2[Functions-n]) begin
        by_mac     = 8'(Functions - n);
        by_mac_hit = 1'b1;
      end
      if (mac_q2[Functions-n] && ingress_q2 != RowBits'(Functions - n)) begin
        by_hairpin     = 8'(Functions - n);
        by_hairpin_hit = 1'b1;
      end
      if (default_q2[Functions-n]) begin
        by_default = 8'(Functions - n);
      end
    end
    if (ingress_q2 != '0) begin
      match.default_egress = 8'd0;
    end else begin
      match.default_egress = by_mac_hit ? by_mac : by_default;
    end
    match.reply_egress = by_hairpin_hit ? by_hairpin : match.default_egress;
    match.has_domain   = source_q2.has_domain && ingress_q2 != '0;
    match.domain       = 16'(source_q2.domain);
  end

  always_ff @(posedge clk_i) begin
    if (valid_q2) begin
      match_q3 <= match;
    end
  end

  assign match_o = match_q3;

  //------------------------------------------------------------------------------------------------
  // Host port.

  logic [RowBits:0] read_row_q;
  logic [1:0]       done_q;
  logic             out_present_q;
  row_t             out_row_q;

  always_ff @(posedge clk_i) begin
    done_q <= {done_q[0], req_valid_i};
    if (!rst_ni) begin
      done_q <= '0;
    end
    if (req_valid_i) begin
      read_row_q <= {req_bank_i, req_row_i[RowBits-1:0]};
    end
    if (done_q[0]) begin
      out_present_q <= present_q[read_row_q];
      out_row_q     <= rows_q[read_row_q*RowWidth+:RowWidth];
    end
  end

  portcam_pkg::function_row_t out;

  always_comb begin
    out = '0;
    out.flags[portcam_pkg::FunctionRowIsDefault] = out_row_q.is_default;
    out.flags[portcam_pkg::FunctionRowHasDomain] = out_row_q.has_domain;
    out.flags[portcam_pkg::FunctionRowHasMac]    = out_row_q.has_mac;
    out.domain = 16'(out_row_q.domain);
    out.mac    = out_row_q.mac;
  end

  assign done_o    = done_q[1];
  assign present_o = out_present_q;
  assign data_o    = out;

endmodule

`resetall
