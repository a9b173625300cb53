// SPDX-License-Identifier: Apache-2.0
//
// portcam_command_execute: executes commands one after the other, in the order of the ring.
//
// A command is taken when the ring allows it (take_i) and it has been checked; what its 64 bytes
// cannot tell (is a change set open, has it failed) is decided here. Then one room works for it:
// the change set (rows, begin, commit, abort, read), the counters, the connection records, their
// images, the states of backends, the mirror, or the DMA of the self-test. When it is finished,
// finish_o pulses, trace_*
// follow in the next clock, and a completion is written if the command failed, asks for one, or
// is the last before the doorbell. The next command is taken only after that. A row write of a
// table that answers L clocks after it took the request takes L + 2 clocks.
//
// stop_o: the ring cannot go on, because a command could not be read or a completion not be
// written. Other DMA errors are the command's own status. error_o reports each failed read with its
// address (failed writes are reported by portcam_dma_write). flr_i drops the command in work
// without a word.

`default_nettype none

module portcam_command_execute (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flr_i,
    // Ring.
    input  logic         take_i,
    input  logic         last_i,
    input  logic [15:0]  head_i,
    input  logic [63:0]  base_i,
    input  logic [15:0]  mask_i,
    output logic         busy_o,
    output logic         finish_o,
    output logic         stop_o,
    output logic [7:0]   stop_reason_o,
    output logic         error_o,
    output logic [63:0]  error_addr_o,
    // Commands, checked.
    input  logic         command_valid_i,
    output logic         command_take_o,
    input  logic         command_bad_i,
    input  logic [511:0] command_i,
    input  logic         checked_i,
    input  logic [7:0]   status_i,
    input  logic [7:0]   row_status_i,
    // Change set.
    input  logic         set_open_i,
    input  logic         set_failed_i,
    output logic         set_start_o,
    output logic [2:0]   set_kind_o,
    output logic         set_fail_o,
    output logic [3:0]   set_table_o,
    output logic [15:0]  set_row_o,
    output logic [383:0] set_data_o,
    input  logic         set_done_i,
    input  logic         set_row_valid_i,
    input  logic [383:0] set_row_data_i,
    // Counters.
    output logic         counter_valid_o,
    output logic [3:0]   counter_table_o,
    output logic [15:0]  counter_row_o,
    output logic [10:0]  counter_count_o,
    output logic [63:0]  counter_addr_o,
    input  logic         counter_done_i,
    input  logic         counter_error_i,
    // Connection records.
    output logic         connection_valid_o,
    output logic         connection_delete_o,
    output logic [23:0]  connection_slot_o,
    output logic [31:0]  connection_count_o,
    output logic [63:0]  connection_addr_o,
    input  logic         connection_done_i,
    input  logic         connection_error_i,
    input  logic [7:0]   connection_status_i,
    input  logic [31:0]  connection_images_i,
    // Images of connection records.
    output logic         insert_valid_o,
    output logic [10:0]  insert_count_o,
    output logic [63:0]  insert_addr_o,
    input  logic         insert_done_i,
    input  logic [7:0]   insert_status_i,
    input  logic [10:0]  insert_made_i,
    input  logic [63:0]  insert_error_addr_i,
    // States of backends.
    output logic         backend_valid_o,
    output logic [15:0]  backend_row_o,
    output logic [10:0]  backend_count_o,
    output logic [63:0]  backend_addr_o,
    input  logic         backend_done_i,
    input  logic         backend_error_i,
    // The mirror.
    output logic         mirror_valid_o,
    output logic         mirror_sum_o,
    output logic [23:0]  mirror_row_o,
    output logic [10:0]  mirror_count_o,
    output logic [63:0]  mirror_addr_o,
    input  logic         mirror_done_i,
    input  logic         mirror_error_i,
    input  logic [7:0]   mirror_status_i,
    // Self-test: the data go from the reader to the writer by themselves.
    output logic         read_valid_o,
    output logic [63:0]  read_addr_o,
    input  logic         read_done_i,
    input  logic         read_error_i,
    // Writer.
    input  logic         write_ready_i,
    input  logic         write_done_i,
    input  logic         write_error_i,
    output logic         image_valid_o,
    output logic [63:0]  image_addr_o,
    output logic [511:0] image_data_o,
    output logic         test_valid_o,
    output logic [63:0]  test_addr_o,
    // Completion.
    output logic         completion_valid_o,
    output logic [31:0]  completion_cookie_o,
    output logic [31:0]  completion_result_o,
    output logic [7:0]   completion_status_o,
    output logic [15:0]  completion_sq_head_o,
    input  logic         completion_done_i,
    input  logic         completion_error_i,
    output logic         trace_command_valid_o,
    output logic [511:0] trace_command_o,
    output logic [7:0]   trace_command_status_o
);

  // What portcam_change_set is asked for.
  localparam logic [2:0] KindWrite  = 3'd0;
  localparam logic [2:0] KindDelete = 3'd1;
  localparam logic [2:0] KindRead   = 3'd2;
  localparam logic [2:0] KindBegin  = 3'd3;
  localparam logic [2:0] KindCommit = 3'd4;
  localparam logic [2:0] KindAbort  = 3'd5;

  typedef enum logic [3:0] {
    StIdle       = 4'd0,
    StSet        = 4'd1,  // the change set works
    StCounter    = 4'd2,  // the counters work
    StQuiet      = 4'd3,  // a self-test waits until the writer is free
    StRead       = 4'd4,  // its 64 bytes are being read
    StImage      = 4'd5,  // the row image is offered to the writer
    StAnswer     = 4'd6,  // the write waits for its answer
    StFinish     = 4'd7,
    StComplete   = 4'd8,
    StConnection = 4'd9,  // the connection records work
    StBackend    = 4'd10, // the states of backends are read
    StMirror     = 4'd11, // the mirror works
    StInsert     = 4'd12  // images become connection records
  } state_e;

  state_e                  state_q;
  portcam_pkg::command_t   next;       // the command that is offered
  portcam_pkg::command_t   command_q;  // the command in work, or the last one
  logic [7:0]              status_q;
  logic                    take;
  logic [7:0]              next_status;
  logic                    next_uses_set;
  logic [2:0]              next_kind;
  logic                    next_changes_row;
  logic                    next_uses_records;
  logic                    finish;
  logic                    wants_completion;
  portcam_pkg::row_image_t image;
  logic [31:0]             result;
  logic                    inserted_q;  // the command in work came as far as its images

  assign next = command_i;
  assign take = state_q == StIdle && take_i && command_valid_i && checked_i && !flr_i;

  //------------------------------------------------------------------------------------------------
  // The command that is offered: its status, as far as it is known before the work, and who works.

  assign next_changes_row = next.opcode == portcam_pkg::OpcodeRowWrite ||
                            next.opcode == portcam_pkg::OpcodeRowDelete;

  assign next_uses_records = next.opcode == portcam_pkg::OpcodeConnectionRead ||
                             next.opcode == portcam_pkg::OpcodeConnectionDelete;

  always_comb begin
    next_status   = status_i;
    next_uses_set = 1'b1;
    next_kind     = KindWrite;
    case (next.opcode)
      portcam_pkg::OpcodeRowWrite: begin
        if (status_i == portcam_pkg::StatusOk) begin
          next_status = set_open_i ? row_status_i : portcam_pkg::StatusNoChangeSet;
        end
      end
      portcam_pkg::OpcodeRowDelete: begin
        next_kind = KindDelete;
        if (status_i == portcam_pkg::StatusOk && !set_open_i) begin
          next_status = portcam_pkg::StatusNoChangeSet;
        end
      end
      portcam_pkg::OpcodeRowRead: next_kind = KindRead;
      portcam_pkg::OpcodeChangeBegin: begin
        next_kind = KindBegin;
        if (set_open_i) begin
          next_status = portcam_pkg::StatusChangeSetOpen;
        end
      end
      portcam_pkg::OpcodeChangeCommit: begin
        next_kind = KindCommit;
        if (!set_open_i) begin
          next_status = portcam_pkg::StatusNoChangeSet;
        end else if (set_failed_i) begin
          next_status = portcam_pkg::StatusChangeSetFailed;
        end
      end
      portcam_pkg::OpcodeChangeAbort: next_kind = KindAbort;
      default:                        next_uses_set = 1'b0;
    endcase
  end

  //------------------------------------------------------------------------------------------------
  // The command in work.

  assign finish           = (state_q == StSet && set_done_i &&
                             command_q.opcode != portcam_pkg::OpcodeRowRead) ||
                            state_q == StFinish;
  assign wants_completion = status_q != portcam_pkg::StatusOk ||
                            command_q.flags[portcam_pkg::CommandComplete] || last_i;

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      StIdle: begin
        if (take && !command_bad_i) begin
          if (next_status != portcam_pkg::StatusOk) begin
            state_q <= StFinish;
          end else if (next_uses_set) begin
            state_q <= StSet;
          end else if (next.opcode == portcam_pkg::OpcodeCounterRead) begin
            state_q <= StCounter;
          end else if (next_uses_records) begin
            state_q <= StConnection;
          end else if (next.opcode == portcam_pkg::OpcodeConnectionInsert) begin
            state_q <= StInsert;
          end else if (next.opcode == portcam_pkg::OpcodeBackendRead) begin
            state_q <= StBackend;
          end else if (next.opcode == portcam_pkg::OpcodeMirrorCopy ||
                       next.opcode == portcam_pkg::OpcodeMirrorSum) begin
            state_q <= StMirror;
          end else if (next.opcode == portcam_pkg::OpcodeSelfTest) begin
            state_q <= StQuiet;
          end else begin
            state_q <= StFinish;
          end
        end
        if (take) begin
          status_q <= next_status;
        end
      end
      StSet: begin
        if (set_done_i && command_q.opcode == portcam_pkg::OpcodeRowRead) begin
          state_q <= StImage;
        end
      end
      StCounter: begin
        if (counter_done_i) begin
          state_q <= StFinish;
          if (counter_error_i) begin
            status_q <= portcam_pkg::StatusDmaWriteError;
          end
        end
      end
      StConnection: begin
        if (connection_done_i) begin
          state_q  <= StFinish;
          status_q <= connection_error_i ? portcam_pkg::StatusDmaWriteError : connection_status_i;
        end
      end
      StInsert: begin
        if (insert_done_i) begin
          state_q  <= StFinish;
          status_q <= insert_status_i;
        end
      end
      StBackend: begin
        if (backend_done_i) begin
          state_q <= StFinish;
          if (backend_error_i) begin
            status_q <= portcam_pkg::StatusDmaWriteError;
          end
        end
      end
      StMirror: begin
        if (mirror_done_i) begin
          state_q  <= StFinish;
          status_q <= mirror_error_i ? portcam_pkg::StatusDmaWriteError : mirror_status_i;
        end
      end
      StQuiet: begin
        if (write_ready_i) begin
          state_q <= StRead;
        end
      end
      StRead: begin
        if (read_done_i) begin
          state_q <= read_error_i ? StFinish : StAnswer;
          if (read_error_i) begin
            status_q <= portcam_pkg::StatusDmaReadError;
          end
        end
      end
      StImage: begin
        if (write_ready_i) begin
          state_q <= StAnswer;
        end
      end
      StAnswer: begin
        if (write_done_i) begin
          state_q <= StFinish;
          if (write_error_i) begin
            status_q <= portcam_pkg::StatusDmaWriteError;
          end
        end
      end
      StFinish: begin
      end
      StComplete: begin
        if (completion_done_i) begin
          state_q <= StIdle;
        end
      end
      default: state_q <= StIdle;
    endcase
    if (finish) begin
      state_q <= wants_completion ? StComplete : StIdle;
    end
    if (!rst_ni || flr_i) begin
      state_q <= StIdle;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      command_q  <= next;
      inserted_q <= 1'b0;
    end else if (state_q == StInsert) begin
      inserted_q <= 1'b1;
    end
  end

  // Failed reads, one clock late, so that the address of the entry at head_i is ready.
  logic        fetch_error_q;
  logic        test_error_q;
  logic        insert_error_q;
  logic [63:0] head_addr;
  logic [63:0] head_addr_q;

  portcam_address_sum u_head_addr (
      .clk_i    (clk_i),
      .base_i   (base_i),
      .offset_i ({10'b0, head_i & mask_i, 6'b0}),
      .address_o(head_addr)
  );

  always_ff @(posedge clk_i) begin
    head_addr_q   <= head_addr;
    fetch_error_q <= take && command_bad_i;
    test_error_q  <= state_q == StRead && read_done_i && read_error_i;
    insert_error_q <= state_q == StInsert && insert_done_i &&
                      insert_status_i == portcam_pkg::StatusDmaReadError;
    if (!rst_ni || flr_i) begin
      fetch_error_q <= 1'b0;
      test_error_q  <= 1'b0;
      insert_error_q <= 1'b0;
    end
  end

  assign error_o      = fetch_error_q || test_error_q || insert_error_q;
  assign error_addr_o = fetch_error_q  ? head_addr_q :
                        insert_error_q ? insert_error_addr_i : command_q.data[63:0];

  assign busy_o         = state_q != StIdle;
  assign finish_o       = finish;
  assign command_take_o = take;
  assign stop_o         = (take && command_bad_i) ||
                          (state_q == StComplete && completion_done_i && completion_error_i);
  assign stop_reason_o  = state_q == StIdle ? portcam_pkg::StatusDmaReadError :
                                              portcam_pkg::StatusDmaWriteError;

  assign set_start_o = take && !command_bad_i && next_uses_set &&
                       next_status == portcam_pkg::StatusOk;
  assign set_kind_o  = next_kind;
  assign set_fail_o  = take && !command_bad_i && next_changes_row &&
                       next_status != portcam_pkg::StatusOk;
  assign set_table_o = next.table_id[3:0];
  assign set_row_o   = next.row[15:0];
  assign set_data_o  = next.data;

  assign counter_valid_o = state_q == StCounter;
  assign counter_table_o = command_q.table_id[3:0];
  assign counter_row_o   = command_q.row[15:0];
  assign counter_count_o = command_q.count[10:0];
  assign counter_addr_o  = command_q.data[63:0];

  assign connection_valid_o  = state_q == StConnection;
  assign connection_delete_o = command_q.opcode == portcam_pkg::OpcodeConnectionDelete;
  assign connection_slot_o   = command_q.row[23:0];
  assign connection_count_o  = command_q.count;
  assign connection_addr_o   = command_q.data[63:0];

  assign insert_valid_o = state_q == StInsert;
  assign insert_count_o = command_q.count[10:0];
  assign insert_addr_o  = command_q.data[63:0];

  assign backend_valid_o = state_q == StBackend;
  assign backend_row_o   = command_q.row[15:0];
  assign backend_count_o = command_q.count[10:0];
  assign backend_addr_o  = command_q.data[63:0];

  assign mirror_valid_o = state_q == StMirror;
  assign mirror_sum_o   = command_q.opcode == portcam_pkg::OpcodeMirrorSum;
  assign mirror_row_o   = command_q.row[23:0];
  assign mirror_count_o = command_q.count[10:0];
  assign mirror_addr_o  = command_q.data[63:0];

  assign read_valid_o = state_q == StRead;
  assign read_addr_o  = command_q.data[63:0];
  assign test_valid_o = state_q == StRead && read_done_i && !read_error_i;
  assign test_addr_o  = command_q.data[127:64];

  always_comb begin
    image          = '0;
    image.table_id = command_q.table_id;
    image.flags[portcam_pkg::RowImageValid] = set_row_valid_i;
    image.row      = command_q.row;
    image.data     = set_row_data_i;
  end

  assign image_valid_o = state_q == StImage;
  assign image_addr_o  = command_q.data[63:0];
  assign image_data_o  = image;

  always_comb begin
    result = '0;
    if (status_q == portcam_pkg::StatusOk) begin
      case (command_q.opcode)
        portcam_pkg::OpcodeCounterRead, portcam_pkg::OpcodeBackendRead,
        portcam_pkg::OpcodeMirrorCopy: result = command_q.count;
        portcam_pkg::OpcodeConnectionRead, portcam_pkg::OpcodeConnectionDelete: begin
          result = connection_images_i;
        end
        default: result = '0;
      endcase
    end
    if (command_q.opcode == portcam_pkg::OpcodeConnectionInsert && inserted_q) begin
      result = 32'(insert_made_i);
    end
  end

  assign completion_valid_o   = state_q == StComplete;
  assign completion_cookie_o  = command_q.cookie;
  assign completion_result_o  = result;
  assign completion_status_o  = status_q;
  assign completion_sq_head_o = head_i;

  // Command and status stay for one clock after the end of the work.
  logic trace_valid_q;

  always_ff @(posedge clk_i) begin
    trace_valid_q <= finish && rst_ni && !flr_i;
  end

  assign trace_command_valid_o  = trace_valid_q;
  assign trace_command_o        = command_q;
  assign trace_command_status_o = status_q;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !flr_i) begin
      a_writer_is_free_for_the_test : assert (!test_valid_o || write_ready_i);
      a_no_completion_unless_asked : assert (!completion_done_i || state_q == StComplete);
    end
  end
`endif

endmodule

`resetall
