// SPDX-License-Identifier: Apache-2.0
//
// portcam_change_set: the change set, the bank that packets see, and the table bus.
//
// Rows are written and deleted in the bank that packets do not see, and their numbers are kept in a
// list of DirtyDepth. Commit switches bank_o in one clock, waits PipelineDrain clocks until no
// packet of the old bank is in the lookup, and then makes the other bank equal, row by row of the
// list. Abort makes it equal without the switch. If the list was too short, every row of every
// table is copied. So the two banks are equal whenever no change set is open, and a commit's done_o
// means: visible to packets, and ready for the next set. Reads are of the bank that packets see.
//
// start_i with kind_i is for an idle room only; done_o pulses when the kind's work is finished: for
// a row one clock after the clock of start_i plus the time of the table bus. row_i and data_i are
// taken in the clock of start_i; after a read, row_valid_o and row_data_o hold until the next
// start_i. open_o and failed_o are up to date in the clock of done_o. Whether the kind is allowed
// is the caller's to know. fail_i marks the open set as failed.
//
// trace_commit_o is high in the last clock in which bank_o is the old one. flr_i forgets the set;
// bank_o goes to 0 with bank_clear_i, when both banks are empty, so that no packet sees rows that
// were never committed.
//
// The list is a block RAM: read and written at different times, so nothing depends on a read during
// a write.

`default_nettype none

module portcam_change_set #(
    parameter int unsigned Functions           = portcam_pkg::BuildFunctions,
    parameter int unsigned Domains             = portcam_pkg::BuildDomains,
    parameter int unsigned Addresses           = portcam_pkg::BuildAddresses,
    parameter int unsigned Services            = portcam_pkg::BuildServices,
    parameter int unsigned Backends            = portcam_pkg::BuildBackends,
    parameter int unsigned EndpointRows        = portcam_pkg::BuildEndpointRows,
    parameter int unsigned EndpointAnyPortRows = portcam_pkg::BuildEndpointAnyPortRows,
    parameter int unsigned EndpointAnyRows     = portcam_pkg::BuildEndpointAnyRows,
    parameter int unsigned ScheduleRows        = portcam_pkg::BuildScheduleRows,
    parameter int unsigned PipelineDrain       = 128,
    parameter int unsigned DirtyDepth          = 4096
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flr_i,
    input  logic         bank_clear_i,
    input  logic         start_i,
    input  logic [2:0]   kind_i,
    input  logic         fail_i,
    input  logic [3:0]   table_i,
    input  logic [15:0]  row_i,
    input  logic [383:0] data_i,
    output logic         done_o,
    output logic         row_valid_o,
    output logic [383:0] row_data_o,
    output logic         open_o,
    output logic         failed_o,
    output logic         bank_o,
    output logic         trace_commit_o,
    output logic         tbl_valid_o,
    input  logic         tbl_ready_i,
    output logic         tbl_write_o,
    output logic         tbl_bank_o,
    output logic [3:0]   tbl_table_o,
    output logic [15:0]  tbl_row_o,
    output logic         tbl_rowvalid_o,
    output logic [383:0] tbl_data_o,
    input  logic         tbl_done_i,
    input  logic         tbl_rowvalid_i,
    input  logic [383:0] tbl_data_i
);

  if (DirtyDepth < 2 || (DirtyDepth & (DirtyDepth - 1)) != 0) begin : g_bad_depth
    $error("portcam_change_set: DirtyDepth must be a power of two and at least 2");
  end
  if (PipelineDrain < 1 || PipelineDrain > 65535) begin : g_bad_drain
    $error("portcam_change_set: PipelineDrain must be 1 to 65535");
  end

  localparam int unsigned ListBits = $clog2(DirtyDepth);

  // The kinds of work, as the execution asks for them.
  localparam logic [2:0] KindWrite  = 3'd0;
  localparam logic [2:0] KindDelete = 3'd1;
  localparam logic [2:0] KindRead   = 3'd2;
  localparam logic [2:0] KindBegin  = 3'd3;
  localparam logic [2:0] KindCommit = 3'd4;

  typedef enum logic [3:0] {
    StIdle      = 4'd0,
    StRow       = 4'd1,  // one row on the table bus
    StFlip      = 4'd2,  // the bank switches at the end of this clock
    StDrain     = 4'd3,  // packets of the old bank leave the lookup
    StList      = 4'd4,  // the first number comes out of the list
    StCopy      = 4'd5,  // the next row of the list
    StCopyRead  = 4'd6,
    StCopyWrite = 4'd7,
    StClosed    = 4'd8,  // commit or abort is finished
    StDone      = 4'd9
  } state_e;

  state_e            state_q;
  logic              bank_q;
  logic              open_q;
  logic              failed_q;
  logic              overflow_q;
  logic [ListBits:0] count_q;     // numbers in the list
  logic [ListBits:0] index_q;     // number that is copied next
  logic [15:0]       wait_q;
  logic [3:0]        walk_table_q;
  logic [15:0]       walk_row_q;
  logic [15:0]       walk_last;   // last row of the table that is walked
  logic [19:0]       listed;      // {table, row}
  logic              copy_last_q; // the row in work is the last one to copy

  logic              valid_q;
  logic              write_q;
  logic              tbl_bank_q;
  logic [3:0]        table_q;
  logic [15:0]       row_q;
  logic              row_valid_q;
  logic [383:0]      data_q;

  logic              done;        // the table bus has done what was asked
  logic              is_change;
  logic              list_write;

  assign done       = tbl_done_i && !valid_q;
  assign is_change  = kind_i == KindWrite || kind_i == KindDelete;
  assign list_write = state_q == StIdle && start_i && is_change && !count_q[ListBits];

  always_comb begin
    case (walk_table_q)
      portcam_pkg::TableDevice[3:0]:          walk_last = 16'd0;
      portcam_pkg::TableFunction[3:0]:        walk_last = 16'(Functions - 1);
      portcam_pkg::TableDomain[3:0]:          walk_last = 16'(Domains - 1);
      portcam_pkg::TableAddress[3:0]:         walk_last = 16'(Addresses - 1);
      portcam_pkg::TableService[3:0]:         walk_last = 16'(Services - 1);
      portcam_pkg::TableBackend[3:0]:         walk_last = 16'(Backends - 1);
      portcam_pkg::TableEndpoint[3:0]:        walk_last = 16'(EndpointRows - 1);
      portcam_pkg::TableEndpointAnyPort[3:0]: walk_last = 16'(EndpointAnyPortRows - 1);
      portcam_pkg::TableEndpointAny[3:0]:     walk_last = 16'(EndpointAnyRows - 1);
      portcam_pkg::TableSchedule[3:0]:        walk_last = 16'(ScheduleRows - 1);
      portcam_pkg::TableTimeout[3:0]:         walk_last = 16'(Services - 1);
      portcam_pkg::TablePublic[3:0]:          walk_last = 16'(Addresses - 1);
      default:                                walk_last = 16'd0;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (bank_clear_i) begin
      bank_q <= 1'b0;
    end
    if (valid_q && tbl_ready_i) begin
      valid_q <= 1'b0;
    end
    unique case (state_q)
      StIdle: begin
        if (start_i) begin
          case (kind_i)
            KindWrite, KindDelete: begin
              state_q <= StRow;
              valid_q <= 1'b1;
              if (count_q[ListBits]) begin
                overflow_q <= 1'b1;
              end else begin
                count_q <= count_q + 1'b1;
              end
            end
            KindRead: begin
              state_q <= StRow;
              valid_q <= 1'b1;
            end
            KindBegin: begin
              state_q    <= StDone;
              open_q     <= 1'b1;
              failed_q   <= 1'b0;
              overflow_q <= 1'b0;
              count_q    <= '0;
            end
            KindCommit: state_q <= StFlip;
            default:    state_q <= open_q ? StList : StDone;
          endcase
        end
        index_q <= '0;
        wait_q  <= 16'd2;
      end
      StRow: begin
        if (done) begin
          state_q <= StIdle;
        end
      end
      StFlip: begin
        bank_q  <= !bank_q;
        wait_q  <= 16'(PipelineDrain);
        state_q <= StDrain;
      end
      StDrain: begin
        wait_q <= wait_q - 1'b1;
        if (wait_q == '0) begin
          wait_q  <= 16'd2;
          state_q <= StList;
        end
      end
      StList: begin
        walk_table_q <= '0;
        walk_row_q   <= '0;
        wait_q       <= wait_q - 1'b1;
        if (count_q == '0) begin
          state_q <= StClosed;
        end else if (wait_q == '0) begin
          state_q <= StCopy;
        end
      end
      StCopy: begin
        state_q <= StCopyRead;
        valid_q <= 1'b1;
        index_q <= index_q + 1'b1;
        if (walk_row_q == walk_last) begin
          walk_table_q <= walk_table_q + 1'b1;
          walk_row_q   <= '0;
        end else begin
          walk_row_q <= walk_row_q + 1'b1;
        end
        if (overflow_q) begin
          copy_last_q <= walk_table_q == portcam_pkg::TableLimits[3:0] &&
                         walk_row_q == walk_last;
        end else begin
          copy_last_q <= index_q + 1'b1 == count_q;
        end
      end
      StCopyRead: begin
        if (done) begin
          state_q <= StCopyWrite;
          valid_q <= 1'b1;
        end
      end
      StCopyWrite: begin
        if (done) begin
          state_q <= copy_last_q ? StClosed : StCopy;
        end
      end
      StClosed: begin
        open_q   <= 1'b0;
        failed_q <= 1'b0;
        state_q  <= StDone;
      end
      StDone:  state_q <= StIdle;
      default: state_q <= StIdle;
    endcase
    if (fail_i && open_q) begin
      failed_q <= 1'b1;
    end
    if (!rst_ni || flr_i) begin
      state_q  <= StIdle;
      open_q   <= 1'b0;
      failed_q <= 1'b0;
      valid_q  <= 1'b0;
    end
    if (!rst_ni) begin
      bank_q <= 1'b0;
    end
  end

  // What stands on the table bus. A row that was read stays here, for the host or for the copy.
  always_ff @(posedge clk_i) begin
    case (state_q)
      StIdle: begin
        if (start_i) begin
          write_q     <= is_change;
          tbl_bank_q  <= is_change ? !bank_q : bank_q;
          table_q     <= table_i;
          row_q       <= row_i;
          row_valid_q <= kind_i == KindWrite;
          data_q      <= kind_i == KindDelete ? '0 : data_i;
        end
      end
      StCopy: begin
        write_q           <= 1'b0;
        tbl_bank_q        <= bank_q;
        {table_q, row_q}  <= overflow_q ? {walk_table_q, walk_row_q} : listed;
      end
      StRow, StCopyRead: begin
        if (done && !write_q) begin
          row_valid_q <= tbl_rowvalid_i;
          data_q      <= tbl_rowvalid_i ? tbl_data_i : '0;
          if (state_q == StCopyRead) begin
            write_q    <= 1'b1;
            tbl_bank_q <= !bank_q;
          end
        end
      end
      default: begin
      end
    endcase
  end

  logic [19:0] unused_list_data;

  portcam_ram #(
      .Width      (20),
      .Depth      (DirtyDepth),
      .ReadLatency(2)
  ) u_list (
      .clk_i    (clk_i),
      .a_en_i   (1'b1),
      .a_addr_i (index_q[ListBits-1:0]),
      .a_data_o (listed),
      .b_en_i   (list_write),
      .b_we_i   (1'b1),
      .b_addr_i (count_q[ListBits-1:0]),
      .b_wdata_i({table_i, row_i}),
      .b_rdata_o(unused_list_data)
  );

  assign done_o         = (state_q == StRow && done) || state_q == StDone;
  assign row_valid_o    = row_valid_q;
  assign row_data_o     = data_q;
  assign open_o         = open_q;
  assign failed_o       = failed_q;
  assign bank_o         = bank_q;
  assign trace_commit_o = state_q == StFlip;
  assign tbl_valid_o    = valid_q;
  assign tbl_write_o    = write_q;
  assign tbl_bank_o     = tbl_bank_q;
  assign tbl_table_o    = table_q;
  assign tbl_row_o      = row_q;
  assign tbl_rowvalid_o = row_valid_q;
  assign tbl_data_o     = data_q;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !flr_i) begin
      a_started_only_when_idle : assert (!start_i || state_q == StIdle);
      a_changes_only_in_a_set : assert (!(start_i && is_change) || open_q);
      a_write_never_to_the_bank_in_use :
      assert (!(valid_q && write_q) || tbl_bank_q != bank_q);
      a_list_within_depth : assert (index_q <= count_q || overflow_q || state_q == StIdle);
    end
  end
`endif

endmodule

`resetall
