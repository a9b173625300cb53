// SPDX-License-Identifier: Apache-2.0
//
// portcam_row_check: what can be told about a command from its 64 bytes alone, by docs/pipeline.md
// section 8.
//
// command_i is held by its source while valid_i is high and until take_i. checked_o rises three
// clocks after a new command has appeared; then status_o tells opcode, table, row, count and
// alignment (the first that fails, in this order), and row_status_o tells the fields of the row as
// the command's table wants them (with meaning only for row_write whose status_o is ok). Whether a
// change set is open is not known here. A command every four clocks. A build without connections
// (ConnectionRows 0) answers `unsupported` to what needs them.

`default_nettype none

module portcam_row_check #(
    parameter int unsigned Functions           = portcam_pkg::BuildFunctions,
    parameter int unsigned Domains             = portcam_pkg::BuildDomains,
    parameter int unsigned Addresses           = portcam_pkg::BuildAddresses,
    parameter int unsigned Services            = portcam_pkg::BuildServices,
    parameter int unsigned Backends            = portcam_pkg::BuildBackends,
    parameter int unsigned EndpointRows        = portcam_pkg::BuildEndpointRows,
    parameter int unsigned EndpointAnyPortRows = portcam_pkg::BuildEndpointAnyPortRows,
    parameter int unsigned EndpointAnyRows     = portcam_pkg::BuildEndpointAnyRows,
    parameter int unsigned ConnectionRows      = portcam_pkg::BuildConnectionRows,
    parameter int unsigned ConnectionRowsV6    = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned ConnectionStash     = portcam_pkg::BuildConnectionStash,
    parameter int unsigned ScheduleRows        = portcam_pkg::BuildScheduleRows
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         valid_i,
    input  logic         take_i,
    input  logic [511:0] command_i,
    output logic         checked_o,
    output logic [7:0]   status_o,
    output logic [7:0]   row_status_o
);

  localparam bit Stateful = ConnectionRows != 0;

  // More than there are reasons; the others stay 0.
  localparam logic [24:0] ReasonRows = 25'(portcam_pkg::ReasonRows);

  // Slots of connection records.
  localparam logic [24:0] Slots = Stateful ?
      25'(ConnectionRows + ConnectionRowsV6 + 2 * ConnectionStash) : 25'd0;

  // Blocks of slots that a mirror_sum is of.
  localparam logic [24:0] Blocks = (Slots + 25'd4095) >> 12;

  portcam_pkg::command_t      command;
  portcam_pkg::function_row_t function_row;
  portcam_pkg::domain_row_t   domain_row;
  portcam_pkg::address_row_t  address_row;
  portcam_pkg::service_row_t  service_row;
  portcam_pkg::backend_row_t  backend_row;
  portcam_pkg::endpoint_row_t endpoint_row;
  portcam_pkg::schedule_row_t schedule_row;
  portcam_pkg::timeout_row_t  timeout_row;
  portcam_pkg::public_row_t   public_row;
  portcam_pkg::limits_row_t   limits_row;

  assign command      = command_i;
  assign function_row = command.data;
  assign domain_row   = command.data;
  assign address_row  = command.data;
  assign service_row  = command.data;
  assign backend_row  = command.data;
  assign endpoint_row = command.data;
  assign schedule_row = command.data;
  assign timeout_row  = command.data;
  assign public_row   = command.data;
  assign limits_row   = command.data;

  logic [1:0] age_q;

  assign checked_o = age_q == 2'd3;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || !valid_i || take_i) begin
      age_q <= 2'd0;
    end else if (!checked_o) begin
      age_q <= age_q + 2'd1;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 1: what each part says by itself. Size of the table, and where the range ends.

  logic        table_known_q;
  logic        counter_known_q;
  logic [17:0] rows_q;
  logic [24:0] range_rows_q;      // of what is read in ranges: counters, backends, slots
  logic [32:0] end_q;
  logic [47:3] used_q;            // bytes of the data that are not 0
  logic        bad_address_q;
  logic        bad_address2_q;
  logic        bad_count_q;

  always_ff @(posedge clk_i) begin
    table_known_q   <= command.table_id <= portcam_pkg::TableLimits;
    counter_known_q <= command.table_id <= portcam_pkg::CounterTableBackend;
    case (command.table_id[3:0])
      portcam_pkg::TableDevice[3:0]:          rows_q <= 18'd1;
      portcam_pkg::TableFunction[3:0]:        rows_q <= 18'(Functions);
      portcam_pkg::TableDomain[3:0]:          rows_q <= 18'(Domains);
      portcam_pkg::TableAddress[3:0]:         rows_q <= 18'(Addresses);
      portcam_pkg::TableService[3:0]:         rows_q <= 18'(Services);
      portcam_pkg::TableBackend[3:0]:         rows_q <= 18'(Backends);
      portcam_pkg::TableEndpoint[3:0]:        rows_q <= 18'(EndpointRows);
      portcam_pkg::TableEndpointAnyPort[3:0]: rows_q <= 18'(EndpointAnyPortRows);
      portcam_pkg::TableEndpointAny[3:0]:     rows_q <= 18'(EndpointAnyRows);
      portcam_pkg::TableSchedule[3:0]:        rows_q <= 18'(ScheduleRows);
      portcam_pkg::TableTimeout[3:0]:         rows_q <= 18'(Services);
      portcam_pkg::TablePublic[3:0]:          rows_q <= 18'(Addresses);
      default:                                rows_q <= 18'd1;
    endcase
    if (command.opcode == portcam_pkg::OpcodeCounterRead) begin
      case (command.table_id[2:0])
        portcam_pkg::CounterTableReason[2:0]:     range_rows_q <= ReasonRows;
        portcam_pkg::CounterTableFunctionRx[2:0]: range_rows_q <= 25'(Functions);
        portcam_pkg::CounterTableFunctionTx[2:0]: range_rows_q <= 25'(Functions);
        portcam_pkg::CounterTableDomain[2:0]:     range_rows_q <= 25'(2 * Domains);
        portcam_pkg::CounterTableAddress[2:0]:    range_rows_q <= 25'(2 * Addresses);
        portcam_pkg::CounterTableService[2:0]:    range_rows_q <= 25'(2 * Services);
        default:                                  range_rows_q <= 25'(2 * Backends);
      endcase
    end else if (command.opcode == portcam_pkg::OpcodeBackendRead) begin
      range_rows_q <= 25'(Backends);
    end else if (command.opcode == portcam_pkg::OpcodeMirrorSum) begin
      range_rows_q <= Blocks;
    end else begin
      range_rows_q <= Slots;
    end
    end_q          <= {1'b0, command.row} + {1'b0, command.count};
    bad_count_q    <= command.count == '0 || command.count > 32'(portcam_pkg::BuildMaxCount);
    bad_address_q  <= command.data[5:0] != '0;
    bad_address2_q <= command.data[69:64] != '0;
    for (int unsigned i = 3; i < 48; i++) begin
      used_q[i] <= command.data[8*i+:8] != '0;
    end
  end

  // Fields: numbers against the sizes of their tables, and the like.
  logic        function_bad_q;
  logic        domain_bad_q;
  logic        address_bad_q;
  logic        service_bad_q;
  logic        service_stateful_q;
  logic        service_hash_bad_q;
  logic        service_policy_bad_q;
  logic        service_port_bad_q;
  logic [16:0] service_end_q;          // row of table schedule behind the slot table
  logic        backend_bad_q;
  logic        endpoint_bad_q;
  logic        endpoint_stateful_q;
  logic [15:0] schedule_bad_q;         // each choice of each slot
  logic [7:0]  timeout_bad_q;          // each timeout
  logic        timeout_domain_bad_q;
  logic        public_bad_q;
  logic        limits_bad_q;
  logic        address_bad_family;
  logic        address_bad_prefix;
  logic        address_bad_vlan;
  logic        backend_bad_family;
  logic        endpoint_bad_family;
  logic        service_picks_by_hash;
  logic [13:0] slot_rows;              // rows of the slot table, if slots_log2 is at most 16

  assign address_bad_family  = address_row.family != 8'(portcam_pkg::Family4) &&
                               address_row.family != 8'(portcam_pkg::Family6);
  assign backend_bad_family  = backend_row.family != 8'(portcam_pkg::Family4) &&
                               backend_row.family != 8'(portcam_pkg::Family6);
  assign endpoint_bad_family = endpoint_row.family != 8'(portcam_pkg::Family4) &&
                               endpoint_row.family != 8'(portcam_pkg::Family6);
  assign address_bad_prefix  = address_row.prefix > 8'd128 ||
                               (address_row.family == 8'(portcam_pkg::Family4) &&
                                address_row.prefix > 8'd32);
  assign address_bad_vlan    = address_row.vlan > 16'd4094 &&
                               address_row.vlan != 16'(portcam_pkg::VlanAny);

  assign service_picks_by_hash = service_row.pick == portcam_pkg::PickClientIp ||
                                 service_row.pick == portcam_pkg::PickClientIpPort;

  // Eight slots in a row, at least one row.
  assign slot_rows = service_row.slots_log2[4:0] <= 5'd3 ? 14'd1 :
                     14'd1 << (service_row.slots_log2[4:0] - 5'd3);

  always_ff @(posedge clk_i) begin
    function_bad_q     <= {16'b0, function_row.domain} >= 32'(Domains) ||
                          function_row.flags[7:3] != '0;
    domain_bad_q       <= domain_row.state > portcam_pkg::DomainStateStopped ||
                          domain_row.unknown > portcam_pkg::PolicyReject ||
                          {24'b0, domain_row.home} >= 32'(Functions);
    address_bad_q      <= address_bad_family || address_bad_prefix || address_bad_vlan ||
                          {16'b0, address_row.address} >= 32'(Addresses) ||
                          {16'b0, address_row.domain} >= 32'(Domains) ||
                          {24'b0, address_row.home} >= 32'(Functions);
    service_bad_q      <= {16'b0, service_row.domain} >= 32'(Domains) ||
                          ({16'b0, service_row.address} >= 32'(Addresses) &&
                           service_row.address != 16'(portcam_pkg::AddressAny)) ||
                          service_row.flags[7:3] != '0 ||
                          service_row.mode > portcam_pkg::ModeDeliver ||
                          {16'b0, service_row.service} >= 32'(Services) ||
                          {16'b0, service_row.backend} >= 32'(Backends);
    service_stateful_q <= service_row.mode == portcam_pkg::ModeStateful;
    service_hash_bad_q <= !service_picks_by_hash &&
                          (service_row.no_record == portcam_pkg::NoRecordHash ||
                           service_row.full == portcam_pkg::FullHash);
    service_policy_bad_q <= {16'b0, service_row.group} >= 32'(Services) ||
                            service_row.slots_log2 > 8'd16 ||
                            service_row.pick > portcam_pkg::PickLeast ||
                            service_row.no_record > portcam_pkg::NoRecordHash ||
                            service_row.no_backend > portcam_pkg::NoBackendDrop ||
                            service_row.full > portcam_pkg::FullPunt;
    service_port_bad_q <= !service_row.flags[portcam_pkg::ServiceRowExactPort] &&
                          !service_row.flags[portcam_pkg::ServiceRowKeepsPort];
    service_end_q      <= {1'b0, service_row.schedule} + {3'b0, slot_rows};
    backend_bad_q      <= backend_bad_family || backend_row.flags[7:1] != '0 ||
                          {24'b0, backend_row.egress} >= 32'(Functions) ||
                          {16'b0, backend_row.endpoint} >= 32'(Backends);
    endpoint_bad_q     <= endpoint_bad_family || endpoint_row.flags[7:5] != '0 ||
                          {16'b0, endpoint_row.service} >= 32'(Services) ||
                          {16'b0, endpoint_row.backend} >= 32'(Backends) ||
                          {16'b0, endpoint_row.domain} >= 32'(Domains) ||
                          {16'b0, endpoint_row.address} >= 32'(Addresses);
    endpoint_stateful_q <= endpoint_row.flags[portcam_pkg::EndpointRowStateful];
    for (int unsigned i = 0; i < 16; i++) begin
      schedule_bad_q[i] <= {16'b0, schedule_row.slot[16*i+:16]} >= 32'(Backends) &&
                           schedule_row.slot[16*i+:16] != 16'(portcam_pkg::BackendNone);
    end
    // The eight timeouts are the first eight words of the row.
    for (int unsigned i = 0; i < 8; i++) begin
      timeout_bad_q[i] <= command.data[32*i+:32] == '0 || command.data[32*i+31];
    end
    timeout_domain_bad_q <= {16'b0, timeout_row.domain} >= 32'(Domains);
    public_bad_q         <= public_row.family != 8'(portcam_pkg::Family4) &&
                            public_row.family != 8'(portcam_pkg::Family6);
    limits_bad_q         <= (limits_row.punt_reasons & ~portcam_pkg::PuntReasons) != '0;
  end

  //------------------------------------------------------------------------------------------------
  // Clock 2: the verdict of each table, with its reserved bytes; ranges against sizes.

  logic       bad_q2;
  logic       unsupported_q2;
  logic       row_in_q2;
  logic       range_row_in_q2;
  logic       range_end_in_q2;

  always_ff @(posedge clk_i) begin
    unsupported_q2 <= 1'b0;
    case (command.table_id[3:0])
      portcam_pkg::TableDevice[3:0]:   bad_q2 <= |used_q[47:6];
      portcam_pkg::TableFunction[3:0]: bad_q2 <= function_bad_q || (|used_q[47:9]);
      portcam_pkg::TableDomain[3:0]:   bad_q2 <= domain_bad_q || (|used_q[47:3]);
      portcam_pkg::TableAddress[3:0]:  bad_q2 <= address_bad_q || (|used_q[47:25]);
      portcam_pkg::TableService[3:0]: begin
        if (service_stateful_q) begin
          bad_q2 <= service_bad_q || used_q[9] || (|used_q[13:12]) || (|used_q[47:23]) ||
                    service_port_bad_q || service_policy_bad_q || service_hash_bad_q ||
                    {15'b0, service_end_q} > 32'(ScheduleRows);
        end else begin
          bad_q2 <= service_bad_q || used_q[9] || (|used_q[47:14]);
        end
        unsupported_q2 <= service_stateful_q && !Stateful;
      end
      portcam_pkg::TableBackend[3:0]:  bad_q2 <= backend_bad_q || used_q[27] || (|used_q[47:32]);
      portcam_pkg::TableSchedule[3:0]: bad_q2 <= (|schedule_bad_q) || (|used_q[47:32]);
      portcam_pkg::TableTimeout[3:0]: begin
        bad_q2 <= (|timeout_bad_q) || timeout_domain_bad_q || (|used_q[47:34]);
      end
      portcam_pkg::TablePublic[3:0]:   bad_q2 <= public_bad_q || (|used_q[47:17]);
      portcam_pkg::TableLimits[3:0]:   bad_q2 <= limits_bad_q || (|used_q[15:12]) || (|used_q[47:24]);
      default: begin
        bad_q2         <= endpoint_bad_q || used_q[47];
        unsupported_q2 <= endpoint_stateful_q && !Stateful;
      end
    endcase
    row_in_q2       <= command.row < {14'b0, rows_q};
    range_row_in_q2 <= command.row < {7'b0, range_rows_q};
    range_end_in_q2 <= end_q <= {8'b0, range_rows_q};
  end

  //------------------------------------------------------------------------------------------------
  // Clock 3: the first that fails.

  logic [7:0] status_q3;
  logic [7:0] row_status_q3;
  logic [7:0] count_status;
  logic [7:0] range_status;

  always_comb begin
    if (!range_row_in_q2) begin
      count_status = portcam_pkg::StatusRowOutOfRange;
    end else if (bad_count_q) begin
      count_status = portcam_pkg::StatusBadLength;
    end else if (!range_end_in_q2) begin
      count_status = portcam_pkg::StatusRowOutOfRange;
    end else begin
      count_status = portcam_pkg::StatusOk;
    end
    range_status = count_status;
    if (count_status == portcam_pkg::StatusOk && bad_address_q) begin
      range_status = portcam_pkg::StatusBadAlignment;
    end
  end

  always_ff @(posedge clk_i) begin
    status_q3 <= portcam_pkg::StatusOk;
    case (command.opcode)
      portcam_pkg::OpcodeNop, portcam_pkg::OpcodeChangeBegin, portcam_pkg::OpcodeChangeCommit,
      portcam_pkg::OpcodeChangeAbort: begin
      end
      portcam_pkg::OpcodeRowWrite, portcam_pkg::OpcodeRowDelete, portcam_pkg::OpcodeRowRead: begin
        if (!table_known_q) begin
          status_q3 <= portcam_pkg::StatusUnknownTable;
        end else if (!row_in_q2) begin
          status_q3 <= portcam_pkg::StatusRowOutOfRange;
        end else if (command.opcode == portcam_pkg::OpcodeRowRead && bad_address_q) begin
          status_q3 <= portcam_pkg::StatusBadAlignment;
        end
      end
      portcam_pkg::OpcodeCounterRead, portcam_pkg::OpcodeBackendRead,
      portcam_pkg::OpcodeConnectionRead: begin
        if (command.opcode == portcam_pkg::OpcodeCounterRead) begin
          if (!counter_known_q) begin
            status_q3 <= portcam_pkg::StatusUnknownTable;
          end else begin
            status_q3 <= range_status;
          end
        end else begin
          status_q3 <= Stateful ? range_status : portcam_pkg::StatusUnsupported;
        end
      end
      portcam_pkg::OpcodeMirrorCopy: begin
        status_q3 <= Stateful ? count_status : portcam_pkg::StatusUnsupported;
      end
      portcam_pkg::OpcodeConnectionDelete, portcam_pkg::OpcodeMirrorSum: begin
        if (!Stateful) begin
          status_q3 <= portcam_pkg::StatusUnsupported;
        end else if (!range_row_in_q2) begin
          status_q3 <= portcam_pkg::StatusRowOutOfRange;
        end else if (bad_address_q) begin
          status_q3 <= portcam_pkg::StatusBadAlignment;
        end
      end
      portcam_pkg::OpcodeConnectionInsert: begin
        if (!Stateful) begin
          status_q3 <= portcam_pkg::StatusUnsupported;
        end else if (bad_count_q) begin
          status_q3 <= portcam_pkg::StatusBadLength;
        end else if (bad_address_q) begin
          status_q3 <= portcam_pkg::StatusBadAlignment;
        end
      end
      portcam_pkg::OpcodeSelfTest: begin
        if (bad_address_q || bad_address2_q) begin
          status_q3 <= portcam_pkg::StatusBadAlignment;
        end
      end
      portcam_pkg::OpcodeSetTime: status_q3 <= portcam_pkg::StatusUnsupported;
      default:                    status_q3 <= portcam_pkg::StatusUnknownOpcode;
    endcase
    if (bad_q2) begin
      row_status_q3 <= portcam_pkg::StatusBadRow;
    end else if (unsupported_q2) begin
      row_status_q3 <= portcam_pkg::StatusUnsupported;
    end else begin
      row_status_q3 <= portcam_pkg::StatusOk;
    end
  end

  assign status_o     = status_q3;
  assign row_status_o = row_status_q3;

  // Whatever a row may hold freely.
  logic unused_fields;
  assign unused_fields = ^{command.flags, command.cookie, function_row, domain_row, address_row,
                           service_row, backend_row, endpoint_row, schedule_row, timeout_row,
                           public_row, limits_row};

endmodule

`resetall
