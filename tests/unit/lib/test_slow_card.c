// SPDX-License-Identifier: Apache-2.0
/* The slow path over a card: configuration, punt and inject rings, mirror, commands. The card is the model behind the driver's
 * rings; packets come in one by one, everything runs in one thread, or in the three of portcamd. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/model.h"
#include "fixture.h"
#include "lib/model/card.h"
#include "lib/src/slow/slow_run.h"
#include "portcam/mirror.h"
#include "tests/unit/model/frames.h"

#define SHOP(slow)                                                                                 \
    "{'format': 1, " slow "'domains': [{'name': 'shop'}],"                                         \
    "'addresses': [{'address': '198.51.100.1', 'domain': 'shop'}],"                                \
    "'backends': [{'name': 'a', 'address': '10.0.0.1', 'port': 5353, 'function': 1},"              \
    "{'name': 'b', 'address': '10.0.0.2', 'port': 5353, 'function': 2}],"                          \
    "'services': [{'name': 'dns', 'domain': 'shop', 'protocol': 'udp', 'port': 53,"                \
    "'address': '198.51.100.1', 'mode': 'stateful', 'backends': ['a', 'b']},"                      \
    "{'name': 'sctp', 'domain': 'shop', 'protocol': 'sctp', 'port': 53,"                           \
    "'address': '198.51.100.1', 'mode': 'static', 'backends': ['a']}]}"

enum { OUT_MOST = 512 };

#ifdef __SANITIZE_THREAD__
/* The card's writes are ordered by the lap word of the entry, which the sanitizer does not take for a lock. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:store_ordered\nrace:copy_in\n";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "history_size=7";
}
#endif

struct world {
    struct portcam *pc;
    struct portcam_mirror *mirror;
    struct portcam_slow_path *slow;
    struct frame out[OUT_MOST];
    unsigned egress[OUT_MOST];
    unsigned n_out;
};
static struct world W;

static void came_out(void *ctx, unsigned function, const uint8_t *frame, size_t len)
{
    (void)ctx;
    assert_true(W.n_out < OUT_MOST && len <= sizeof(W.out[0].b));
    memcpy(W.out[W.n_out].b, frame, len);
    W.out[W.n_out].len = len;
    W.egress[W.n_out++] = function;
}

static struct portcam_dev *dev(void)
{
    return pc_hw_device(W.pc->hw);
}

static void open_slow(void)
{
    struct portcam_report *report = portcam_report_new();
    if (portcam_slow_path_open(W.pc, report, &W.slow))
        fail_msg("%s", test_messages(report));
    portcam_report_free(report);
}

static int setup(void **state)
{
    (void)state;
    memset(&W, 0, sizeof(W));
    W.pc = test_open(NULL);
    test_apply(W.pc, SHOP(""));
    pc_dev_model_set_frame(dev(), came_out, NULL);
    assert_int_equal(portcam_mirror_open(W.pc, NULL, NULL, &W.mirror), 0);
    open_slow();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    portcam_slow_path_close(W.slow);
    portcam_mirror_close(W.mirror);
    portcam_close(W.pc);
    return 0;
}

/* A packet comes to the card; its reason. */
static unsigned comes(const struct frame *f, unsigned from)
{
    struct frame copy = *f;
    struct pc_decision d;
    struct pc_answer answer;
    struct pc_card *card = pc_dev_model_card(dev());
    pc_dev_model_lock(dev());
    pc_device_packet(pc_card_device(card), copy.b, copy.len, from, pc_card_time(card), NULL, &d,
                     &answer);
    pc_dev_model_unlock(dev());
    return d.reason;
}

/* All that is there is worked on. */
static void turn(void)
{
    assert_int_equal(portcam_mirror_run(W.mirror, 0, NULL), 0);
    for (unsigned n = 0; n < 4; n++)
        assert_int_equal(portcam_slow_path_run(W.slow, 0), 0);
    assert_int_equal(portcam_mirror_run(W.mirror, 0, NULL), 0);
}

static struct frame udp(const char *src, unsigned sport, const char *dst, unsigned dport,
                        size_t bytes)
{
    static const uint8_t payload[1400] = {1, 2, 3};
    struct frame_spec s = {.dmac = {2, 0, 0, 0, 0, 0xaa},
                           .smac = {2, 0, 0, 0, 0, 0xbb},
                           .src = src,
                           .dst = dst,
                           .protocol = UDP,
                           .sport = (uint16_t)sport,
                           .dport = (uint16_t)dport,
                           .payload = payload,
                           .payload_len = bytes};
    return build_frame(&s);
}

static struct frame half(const struct frame *whole, bool second, unsigned id)
{
    struct frame f = *whole;
    size_t size = whole->end - whole->l4, middle = size / 16 * 8;
    uint8_t *ip = f.b + f.l3;
    put16(ip + 4, id);
    put16(ip + 6, second ? (unsigned)(middle / 8) : 0x2000);
    put16(ip + 2, (unsigned)(20 + (second ? size - middle : middle)));
    if (second)
        memmove(f.b + f.l4, whole->b + whole->l4 + middle, size - middle);
    f.len = f.end = f.l4 + (second ? size - middle : middle);
    f.sum_at = 0;
    fix_sums(&f);
    return f;
}

/* "reasons" of the status: packets of one with this outcome. */
static json_int_t outcome(const char *reason, const char *name)
{
    json_t *status = NULL, *entry;
    json_int_t n = 0;
    size_t i;
    W.slow->told_ms = 0;
    assert_int_equal(portcam_slow_path_run(W.slow, 0), 0);
    assert_int_equal(portcam_slow_path_status(W.pc, NULL, &status), 0);
    json_array_foreach (json_object_get(status, "reasons"), i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "reason")), reason) == 0)
            n = json_integer_value(json_object_get(json_object_get(entry, "outcomes"), name));
    }
    json_decref(status);
    return n;
}

static json_int_t status_of(const char *key)
{
    json_t *status = NULL;
    W.slow->told_ms = 0;
    (void)portcam_slow_path_run(W.slow, 0);
    assert_int_equal(portcam_slow_path_status(W.pc, NULL, &status), 0);
    json_int_t n = json_integer_value(json_object_get(status, key));
    json_decref(status);
    return n;
}

static unsigned server_of(unsigned out)
{
    return W.out[out].b[14 + 19];
}

static void test_f5_a_query_in_pieces_makes_a_record_of_the_card(void **state)
{
    struct frame whole = udp("192.0.2.9", 4000, "198.51.100.1", 53, 1000);
    struct frame a = half(&whole, false, 1), b = half(&whole, true, 1);
    (void)state;
    assert_int_equal(comes(&b, 0), PORTCAM_REASON_FRAGMENT);
    assert_int_equal(comes(&a, 0), PORTCAM_REASON_FRAGMENT);
    turn();
    assert_int_equal(W.n_out, 2);
    unsigned server = server_of(0);
    assert_int_equal(server_of(1), server);
    assert_int_equal(W.egress[0], server);
    assert_int_equal(comes(&whole, 0), PORTCAM_REASON_CONNECTION_FORWARD);
    assert_int_equal(outcome("fragment", "rewritten"), 2);
    assert_int_equal(status_of("inserted"), 1);
}

static void test_f5_an_answer_in_pieces_is_translated(void **state)
{
    struct frame query = udp("192.0.2.9", 4000, "198.51.100.1", 53, 30);
    (void)state;
    assert_int_equal(comes(&query, 0), PORTCAM_REASON_CONNECTION_NEW);
    for (unsigned server = 1; server <= 2; server++) { /* of one of them */
        struct frame whole =
            udp(server == 1 ? "10.0.0.1" : "10.0.0.2", 5353, "192.0.2.9", 4000, 1000);
        struct frame a = half(&whole, false, 1), b = half(&whole, true, 1);
        assert_int_equal(comes(&a, server), PORTCAM_REASON_FRAGMENT);
        assert_int_equal(comes(&b, server), PORTCAM_REASON_FRAGMENT);
        turn();
    }
    assert_int_equal(W.n_out, 4);
    assert_int_equal(outcome("fragment", "rewritten"), 2);
    assert_int_equal(outcome("fragment", "passed"), 2);
    assert_int_equal(status_of("updated"), 1);
    const struct pc_connections *c =
        pc_device_connections(pc_card_device(pc_dev_model_card(dev())));
    assert_int_equal(pc_connections_used(c), 1);
    assert_int_equal(pc_connections_embryonic(c), 0);
}

static void test_counters_of_a_record_go_on_when_it_is_updated(void **state)
{
    struct frame query = udp("192.0.2.9", 4000, "198.51.100.1", 53, 30);
    (void)state;
    for (unsigned n = 0; n < 5; n++)
        comes(&query, 0);
    for (unsigned server = 1; server <= 2; server++) {
        struct frame whole =
            udp(server == 1 ? "10.0.0.1" : "10.0.0.2", 5353, "192.0.2.9", 4000, 1000);
        struct frame a = half(&whole, false, 1);
        comes(&a, server);
    }
    turn();
    const struct pc_connections *c =
        pc_device_connections(pc_card_device(pc_dev_model_card(dev())));
    unsigned found = 0;
    for (unsigned slot = 0; slot < pc_connections_capacity(c); slot++) {
        const struct pc_connection *r = pc_connections_get(c, slot);
        if (!r)
            continue;
        found++;
        assert_int_equal(r->forward.packets, 5);
        assert_int_equal(r->reverse.packets, 1);
        assert_int_equal(r->state, PC_STATE_REPLIED);
    }
    assert_int_equal(found, 1);
}

static void test_a_change_of_the_configuration_is_followed(void **state)
{
    struct frame whole = udp("192.0.2.9", 4000, "198.51.100.1", 53, 1000);
    struct frame a = half(&whole, false, 1);
    (void)state;
    test_apply(W.pc, SHOP("'slow_path': {'hold_ms': 5},"));
    for (unsigned weight = 0; weight < 2; weight++) {
        json_t *fields = json_pack("{s:s, s:i}", "name", "a", "weight", (int)weight);
        assert_int_equal(portcam_edit(W.pc, PORTCAM_EDIT_SET, "backend", fields, false, NULL, NULL),
                         0);
        json_decref(fields);
        fields = json_pack("{s:s, s:i}", "name", "b", "weight", (int)!weight);
        assert_int_equal(portcam_edit(W.pc, PORTCAM_EDIT_SET, "backend", fields, false, NULL, NULL),
                         0);
        json_decref(fields);
        put16(a.b + a.l4, 5000 + weight);
        comes(&a, 0);
        turn();
        assert_int_equal(W.n_out, weight + 1);
        assert_int_equal(server_of(weight), 2 - weight);
        put16(a.b + a.l3 + 4, 77 + weight);
        fix_sums(&a);
    }
}

static void test_reasons_that_are_not_named_pass_in_the_card(void **state)
{
    struct frame whole = udp("192.0.2.9", 4000, "198.51.100.1", 53, 1000);
    struct frame a = half(&whole, false, 1);
    (void)state;
    test_apply(W.pc, SHOP("'slow_path': {'reasons': ['sctp_ports']},"));
    assert_int_equal(comes(&a, 0), PORTCAM_REASON_FRAGMENT);
    turn();
    assert_int_equal(W.n_out, 0);
    assert_int_equal(outcome("fragment", "rewritten"), 0);
}

static void test_after_a_reset_it_goes_on(void **state)
{
    struct frame whole = udp("192.0.2.9", 4000, "198.51.100.1", 53, 1000);
    struct frame a = half(&whole, false, 1);
    (void)state;
    comes(&a, 0);
    turn();
    assert_int_equal(W.n_out, 1);
    assert_int_equal(portcam_reset(W.pc, NULL), 0);
    W.slow->restarted_ms = 0;
    for (unsigned n = 0; n < 400 && status_of("restarts") == 0; n++)
        (void)portcam_slow_path_run(W.slow, 10);
    assert_int_equal(status_of("restarts"), 1);
    put16(a.b + a.l3 + 4, 2);
    fix_sums(&a);
    comes(&a, 0);
    turn();
    assert_int_equal(W.n_out, 2);
}

static void test_there_is_one_slow_path_and_status_without_it_is_told(void **state)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_slow_path *second = NULL;
    json_t *status = NULL;
    (void)state;
    assert_int_equal(portcam_slow_path_open(W.pc, report, &second), -EBUSY);
    portcam_slow_path_close(W.slow);
    W.slow = NULL;
    portcam_report_clear(report);
    assert_int_equal(portcam_slow_path_status(W.pc, report, &status), -EOPNOTSUPP);
    assert_non_null(strstr(test_messages(report), "nobody takes the packets"));
    portcam_report_free(report);
    open_slow();
}

/* ---- explain ---- */

/* A member of what is told of a frame: "verdict", or "slow_path.verdict". */
static const char *told(const struct frame *f, bool slow, const char *key)
{
    static char text[512];
    json_t *value = NULL;
    assert_int_equal(portcam_explain(W.pc, f->b, f->len, 0, NULL, &value), 0);
    const json_t *object = slow ? json_object_get(value, "slow_path") : value;
    const char *word = json_string_value(json_object_get(object, key));
    snprintf(text, sizeof(text), "%s", word ? word : "none");
    json_decref(value);
    return text;
}

static void test_explain_tells_what_the_slow_path_would_do(void **state)
{
    struct frame whole = udp("192.0.2.9", 4000, "198.51.100.1", 53, 1000);
    struct frame a = half(&whole, false, 1), b = half(&whole, true, 1);
    (void)state;
    assert_string_equal(told(&a, false, "verdict"), "punt");
    assert_string_equal(told(&a, true, "verdict"), "rewrite");
    assert_string_equal(told(&a, true, "reason"), "connection_new");
    assert_string_equal(told(&b, false, "verdict"), "punt");
    assert_string_equal(told(&b, true, "verdict"), "follow");
    assert_string_equal(told(&whole, false, "verdict"), "rewrite");
    assert_string_equal(told(&whole, true, "verdict"), "none");
    comes(&whole, 0);
    portcam_mirror_run(W.mirror, 0, NULL);
    assert_string_equal(told(&a, true, "reason"), "connection_forward");
    portcam_slow_path_close(W.slow);
    W.slow = NULL;
    assert_string_equal(told(&a, false, "verdict"), "pass");
    assert_string_equal(told(&a, true, "verdict"), "none");
}

/* ---- three threads, as in portcamd ---- */

static bool Stop;

static void *follow_mirror(void *ctx)
{
    (void)ctx;
    while (!__atomic_load_n(&Stop, __ATOMIC_RELAXED)) {
        assert_int_equal(portcam_mirror_run(W.mirror, 0, NULL), 0);
        usleep(20);
    }
    return NULL;
}

static void *follow_packets(void *ctx)
{
    (void)ctx;
    while (!__atomic_load_n(&Stop, __ATOMIC_RELAXED))
        assert_int_equal(portcam_slow_path_run(W.slow, 1), 0);
    return NULL;
}

static void test_each_query_in_pieces_gets_its_record_while_rows_change(void **state)
{
    enum { QUERIES = 200 };
    pthread_t mirror, slow;
    (void)state;
    Stop = false;
    assert_int_equal(pthread_create(&mirror, NULL, follow_mirror, NULL), 0);
    assert_int_equal(pthread_create(&slow, NULL, follow_packets, NULL), 0);
    for (unsigned n = 0; n < QUERIES; n++) {
        struct frame whole = udp("192.0.2.9", 4000 + n % 20, "198.51.100.1", 53, 1000);
        struct frame a = half(&whole, false, n), b = half(&whole, true, n);
        comes(&b, 0);
        comes(&a, 0);
        if (n % 10 == 0) {
            json_t *fields = json_pack("{s:s, s:i}", "name", "a", "weight", (int)(1 + n % 3));
            assert_int_equal(
                portcam_edit(W.pc, PORTCAM_EDIT_SET, "backend", fields, false, NULL, NULL), 0);
            json_decref(fields);
        }
        for (;;) { /* the model's lock keeps what came out */
            pc_dev_model_lock(dev());
            unsigned out = W.n_out;
            pc_dev_model_unlock(dev());
            if (out == 2 * (n + 1))
                break;
            usleep(20);
        }
    }
    __atomic_store_n(&Stop, true, __ATOMIC_RELAXED);
    pthread_join(mirror, NULL);
    pthread_join(slow, NULL);
    assert_int_equal(outcome("fragment", "rewritten"), 2 * QUERIES);
    assert_int_equal(status_of("inserted"), 20);
    for (unsigned n = 0; n < QUERIES; n++)
        assert_int_equal(server_of(2 * n), server_of(2 * (n % 20)));
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_f5_a_query_in_pieces_makes_a_record_of_the_card),
        WITH(test_f5_an_answer_in_pieces_is_translated),
        WITH(test_counters_of_a_record_go_on_when_it_is_updated),
        WITH(test_a_change_of_the_configuration_is_followed),
        WITH(test_reasons_that_are_not_named_pass_in_the_card),
        WITH(test_after_a_reset_it_goes_on),
        WITH(test_there_is_one_slow_path_and_status_without_it_is_told),
        WITH(test_explain_tells_what_the_slow_path_would_do),
        WITH(test_each_query_in_pieces_gets_its_record_while_rows_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
