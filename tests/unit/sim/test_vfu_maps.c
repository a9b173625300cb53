// SPDX-License-Identifier: Apache-2.0
/*
 * The map table of the vfio-user server and DMA in shared memory: many maps, overlaps, descriptors that
 * lie, permissions, and memory that goes away while it is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vfu/internal.h"
#include "vfu_client.h"

#define PAGE ((size_t)4096)

enum { BUS_MASTER = 6 /* MEM and BME */ };

/* ---- the map table ---- */

static void twenty_thousand_maps(void **state)
{
    enum { MAPS = 20000 };
    struct vc *c = vc_new_ready();
    unsigned before = vc_open_fds();
    int fd = vc_memfd((size_t)MAPS * PAGE);
    struct timespec t0, t1;
    uint64_t probe;

    (void)state;
    vc_command(c, BUS_MASTER);
    clock_gettime(CLOCK_MONOTONIC, &t0);
    for (uint64_t i = 0; i < MAPS; i++) {
        uint64_t page = (i * 7919) % MAPS; /* not in order */
        int copy = dup(fd);

        assert_int_equal(vc_map(c, 0x100000000 + page * 2 * PAGE, PAGE, page * PAGE, 3, copy), 0);
        close(copy);
    }
    clock_gettime(CLOCK_MONOTONIC, &t1);
    print_message("# %d maps: %.1f us each\n", MAPS,
                  ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) /
                      1e3 / MAPS);
    assert_int_equal(vc_stats(c).maps, MAPS);
    assert_int_equal(vc_stats(c).fdless_maps, 0);
    assert_int_equal(vc_stats(c).files, 1);
    assert_true(vc_open_fds() <= before + 2); /* ours and the server's one */
    for (uint64_t page = 0; page < MAPS; page += 999) {
        uint64_t value = page * 0x10001 + 1;

        assert_int_equal(pc_vfu_dma_write(c->server, 0x100000000 + page * 2 * PAGE + 8, &value, 8),
                         0);
        assert_int_equal(pread(fd, &probe, 8, (off_t)(page * PAGE + 8)), 8);
        assert_int_equal(probe, value);
        assert_int_equal(pc_vfu_dma_read(c->server, 0x100000000 + (page * 2 + 1) * PAGE, &probe, 8),
                         -EFAULT);
    }
    assert_int_equal(vc_unmap(c, 0, 1ull << 40), 24); /* one range for all, as QEMU sends */
    assert_int_equal(vc_stats(c).maps, 0);
    assert_int_equal(vc_stats(c).files, 0);
    close(fd);
    vc_free(c);
}

static void overlaps(void **state)
{
    struct vc *c = vc_new_ready();
    int fd = vc_memfd(16 * PAGE);

    (void)state;
    assert_int_equal(vc_map(c, 0x10000, 4 * PAGE, 0, 3, fd), 0);
    assert_int_equal(vc_map(c, 0x10000, 4 * PAGE, 0, 3, fd), -EEXIST);
    assert_int_equal(vc_map(c, 0x10000 - PAGE, 2 * PAGE, 0, 3, -1), -EEXIST);
    assert_int_equal(vc_map(c, 0x10000 + 3 * PAGE, 2 * PAGE, 0, 3, fd), -EEXIST);
    assert_int_equal(vc_map(c, 0, ~0ull, 0, 3, -1), -EEXIST);
    assert_int_equal(vc_map(c, 0x10000 + 4 * PAGE, PAGE, 0, 3, fd), 0);
    assert_int_equal(vc_map(c, 0x10000 - PAGE, PAGE, 0, 3, fd), 0);
    assert_int_equal(vc_stats(c).maps, 3);
    /* a range that would cut a map changes nothing */
    assert_int_equal(vc_unmap(c, 0x10000 - PAGE, 3 * PAGE), -EINVAL);
    assert_int_equal(vc_unmap(c, 0x10000 + PAGE, 64 * PAGE), -EINVAL);
    assert_int_equal(vc_unmap(c, 0x10000 + PAGE, PAGE), -EINVAL);
    assert_int_equal(vc_stats(c).maps, 3);
    assert_int_equal(vc_unmap(c, 0x10000, 4 * PAGE), 24);
    assert_int_equal(vc_unmap(c, 0x10000, 4 * PAGE), 24);
    assert_int_equal(vc_stats(c).maps, 2);
    assert_int_equal(vc_unmap(c, 0, 0x80000000), 24);
    assert_int_equal(vc_stats(c).maps, 0);
    close(fd);
    vc_free(c);
}

static void lying_descriptors(void **state)
{
    struct vc *c = vc_new_ready();
    unsigned before = vc_open_fds();
    int fd = vc_memfd(PAGE), two[2] = {fd, fd}, pipes[2], ro;
    char name[64];
    uint32_t v = 1;
    const struct pc_vfu_dma_map r = {32, 3, 0, 0x90000, PAGE};

    (void)state;
    vc_command(c, BUS_MASTER);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    ro = open(name, O_RDONLY);
    assert_true(ro >= 0);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(vc_map(c, 0x10000, 2 * PAGE, 0, 3, fd), -EINVAL);
    assert_int_equal(vc_map(c, 0x10000, PAGE, PAGE, 3, fd), -EINVAL);
    assert_int_equal(vc_map(c, 0x10000, PAGE, ~0ull - 100, 3, fd), -EINVAL);
    assert_int_equal(vc_map(c, 0x10000, PAGE, 0, 3, ro), -EACCES);
    assert_int_equal(vc_call_fds(c, PC_VFU_DMA_MAP, &r, sizeof(r), two, 2), -EINVAL);
    assert_int_equal(vc_stats(c).maps, 0);
    assert_int_equal(vc_stats(c).files, 0);
    /* read-only first, then a descriptor that can write */
    assert_int_equal(vc_map(c, 0x10000, PAGE, 0, 1, ro), 0);
    assert_int_equal(vc_map(c, 0x20000, PAGE, 0, 3, fd), 0);
    assert_int_equal(vc_stats(c).files, 1);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x20000, &v, 4), 0);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, &v, 4), 0);
    /* a file that is cut short under us */
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x20000, &v, 4), -EFAULT);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, &v, 4), -EFAULT);
    /* what cannot be mapped from its beginning is reached by messages */
    assert_int_equal(vc_map(c, 0x30000, PAGE, 0, 3, pipes[0]), 0);
    assert_int_equal(vc_stats(c).fdless_maps, 1);
    /* stray descriptors go nowhere */
    assert_int_equal(vc_call_fds(c, PC_VFU_DEVICE_RESET, NULL, 0, two, 2), 0);
    assert_int_equal(vc_unmap(c, 0, 1ull << 32), 24);
    close(ro);
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(vc_open_fds(), before);
    vc_free(c);
}

static void file_that_grows(void **state)
{
    struct vc *c = vc_new_ready();
    int fd = vc_memfd(PAGE);
    uint32_t v = 0x55aa, got = 0;

    (void)state;
    vc_command(c, BUS_MASTER);
    assert_int_equal(vc_map(c, 0x10000, PAGE, 0, 3, fd), 0);
    assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
    assert_int_equal(vc_map(c, 0x20000, PAGE, 3 * PAGE, 3, fd), 0);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x20010, &v, 4), 0);
    assert_int_equal(pread(fd, &got, 4, 3 * PAGE + 0x10), 4);
    assert_int_equal(got, v);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10010, &v, 4), 0);
    assert_int_equal(vc_stats(c).files, 1);
    close(fd);
    vc_free(c);
}

/* Does the kernel know the limit of open files? (valgrind keeps it to itself.) */
static bool limit_is_real(int proc_limits)
{
    char text[4096] = "";
    const char *line;

    assert_true(pread(proc_limits, text, sizeof(text) - 1, 0) > 0);
    line = strstr(text, "Max open files");
    return line && strtoul(line + strlen("Max open files"), NULL, 10) == 0;
}

static void kernel_drops_the_descriptor(void **state)
{
    struct vc *c = vc_new_ready();
    struct pc_vfu_dma_map r = {32, 3, 0, 0x10000, PAGE};
    struct pc_vfu_set_irqs irqs = {20, 0x24, 2, 0, 1};
    int fd = vc_memfd(PAGE), ev = eventfd(0, EFD_NONBLOCK),
        limits = open("/proc/self/limits", O_RDONLY);
    struct rlimit old, low;
    bool real;

    (void)state;
    assert_true(limits >= 0);
    vc_send(c, PC_VFU_DMA_MAP, 0, &r, sizeof(r), &fd, 1);
    vc_send(c, PC_VFU_DEVICE_SET_IRQS, 0, &irqs, sizeof(irqs), &ev, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &low);
    real = limit_is_real(limits);
    for (int i = 0; i < 4; i++)
        pc_vfu_process(c->server); /* not vc_pump(): poll() fails beyond the limit */
    setrlimit(RLIMIT_NOFILE, &old);
    assert_int_equal(vc_receive(c, 0), 0);
    assert_int_equal(vc_receive(c, 0), real ? -EMFILE : 0);
    assert_int_equal(vc_stats(c).lost_fds, real ? 2 : 0);
    assert_int_equal(vc_stats(c).fdless_maps, real ? 1 : 0);
    if (real)
        assert_non_null(strstr(c->notice, "ulimit -n"));
    close(limits);
    close(fd);
    close(ev);
    vc_free(c);
}

/* ---- DMA in shared memory ---- */

static void dma_rules(void **state)
{
    struct vc *c = vc_new_ready();
    int fd = vc_memfd(8 * PAGE);
    uint8_t out[3 * PAGE], in[3 * PAGE], *mem = mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED, fd, 0);

    (void)state;
    assert_ptr_not_equal(mem, MAP_FAILED);
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 31 + 7);
    /* two maps side by side, one elsewhere in the file; one for each permission */
    assert_int_equal(vc_map(c, 0x10000, PAGE, 4 * PAGE, 3, fd), 0);
    assert_int_equal(vc_map(c, 0x11000, 2 * PAGE, 0, 3, fd), 0);
    assert_int_equal(vc_map(c, 0x20000, PAGE, 6 * PAGE, 1, fd), 0);
    assert_int_equal(vc_map(c, 0x30000, PAGE, 7 * PAGE, 2, fd), 0);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000, out, 8), -ENODEV);
    vc_command(c, 2); /* memory space alone */
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000, out, 8), -ENODEV);
    vc_command(c, BUS_MASTER);
    for (size_t shift = 0; shift < 17; shift++) {
        size_t len = sizeof(out) - 40 - shift;

        assert_int_equal(pc_vfu_dma_write(c->server, 0x10000 + shift, out, len), 0);
        assert_memory_equal(mem + 4 * PAGE + shift, out, PAGE - shift);
        assert_memory_equal(mem, out + PAGE - shift, len - (PAGE - shift));
        memset(in, 0, sizeof(in));
        assert_int_equal(pc_vfu_dma_read(c->server, 0x10000 + shift, in, len), 0);
        assert_memory_equal(in, out, len);
    }
    assert_int_equal(pc_vfu_dma_write(c->server, 0x20000, out, 8), -EACCES);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x20000, in, 8), 0);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x30000, in, 8), -EACCES);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x30000, out, 8), 0);
    assert_int_equal(pc_vfu_dma_read(c->server, 0xf000, in, 8), -EFAULT);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x13000 - 4, in, 8), -EFAULT);
    assert_int_equal(pc_vfu_dma_read(c->server, ~0ull - 3, in, 8), -EINVAL);
    assert_int_equal(pc_vfu_dma_read(c->server, 0, in, 0), 0);
    assert_int_equal(vc_unmap(c, 0x20000, PAGE), 24);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x20000, in, 8), -EFAULT);
    assert_int_equal(vc_stats(c).dma_messages, 0);
    munmap(mem, 8 * PAGE);
    close(fd);
    vc_free(c);
}

/* ---- memory that goes away ---- */

static void file_that_shrinks(void **state)
{
    struct vc *c = vc_new_ready();
    int fd = vc_memfd(4 * PAGE);
    uint8_t b[3 * PAGE], got[8];

    (void)state;
    vc_command(c, BUS_MASTER);
    memset(b, 0x5a, sizeof(b));
    assert_int_equal(vc_map(c, 0x10000, 4 * PAGE, 0, 3, fd), 0);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000, b, sizeof(b)), 0);
    assert_int_equal(ftruncate(fd, 2 * PAGE), 0);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000 + 2 * PAGE, b, 1), -EFAULT);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000 + 2 * PAGE, b, 1), -EFAULT);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000, b, sizeof(b)),
                     -EFAULT); /* in its middle */
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, b, sizeof(b)), -EFAULT);
    assert_int_equal(vc_stats(c).dma_refused, 4);
    /* what is left of it, and the client, are served as before */
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000 + 2 * PAGE - 8, got, 8), 0);
    assert_memory_equal(got, b, 8);
    assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000, b, sizeof(b)), 0);
    assert_int_equal(vc_unmap(c, 0x10000, 4 * PAGE), 24);
    close(fd);
    vc_free(c);
}

struct flips {
    int fd;
    atomic_bool done;
};

static void *flip(void *arg)
{
    struct flips *f = arg;

    while (!atomic_load(&f->done))
        if (ftruncate(f->fd, 0) || ftruncate(f->fd, 16 * PAGE))
            break;
    return NULL;
}

/* Whatever was looked at before a copy is not true any more in it. */
static void file_that_shrinks_in_the_copy(void **state)
{
    enum { ROUNDS = 2000000 }; /* on one processor the other thread has its turn sometimes */
    struct vc *c = vc_new_ready();
    struct flips f = {.fd = vc_memfd(16 * PAGE)};
    unsigned done = 0, failed = 0;
    pthread_t other;
    uint8_t b[64] = {1};

    (void)state;
    vc_command(c, BUS_MASTER);
    assert_int_equal(vc_map(c, 0x10000, 16 * PAGE, 0, 3, f.fd), 0);
    assert_int_equal(pthread_create(&other, NULL, flip, &f), 0);
    for (unsigned i = 0; i < ROUNDS && (done < 20000 || failed < 20000); i++) {
        uint64_t at = 0x10000 + i % 16 * PAGE;
        int rc = i & 1 ? pc_vfu_dma_write(c->server, at, b, sizeof(b))
                       : pc_vfu_dma_read(c->server, at, b, sizeof(b));

        assert_true(rc == 0 || rc == -EFAULT);
        done += !rc;
        failed += !!rc;
    }
    atomic_store(&f.done, true);
    pthread_join(other, NULL);
    print_message("# %u accesses of a file that came and went, %u refused\n", done + failed,
                  failed);
    assert_int_equal(vc_stats(c).dma_refused, failed);
    close(f.fd);
    vc_free(c);
}

/* In a process of its own, whose mounts go with it. Return: exit status; 77: no permission. */
static int write_into_a_full_file_system(struct vc *c)
{
    static const uint8_t b[4 * PAGE] = {1};
    char name[128];
    int fd, full;

    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", c->dir, "tmpfs", 0, "size=64k"))
        return 77;
    snprintf(name, sizeof(name), "%s/memory", c->dir);
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    snprintf(name, sizeof(name), "%s/full", c->dir);
    full = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || full < 0 || ftruncate(fd, 8 * PAGE) || vc_map(c, 0x10000, 8 * PAGE, 0, 3, fd))
        return 1;
    if (pc_vfu_dma_write(c->server, 0x10000, b, PAGE))
        return 2;
    while (write(full, b, PAGE) == (ssize_t)PAGE)
        ;
    if (pc_vfu_dma_write(c->server, 0x10000 + PAGE, b, sizeof(b)) != -EFAULT)
        return 3;
    return pc_vfu_dma_write(c->server, 0x10000, b, PAGE) ? 4 : 0;
}

static void file_system_that_is_full(void **state)
{
    struct vc *c = vc_new_ready();
    int status;
    pid_t child;

    (void)state;
    vc_command(c, BUS_MASTER);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(write_into_a_full_file_system(c));
    assert_int_equal(waitpid(child, &status, 0), child);
    vc_free(c);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("# skipped: no permission for a file system\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A SIGBUS of somebody else: what ends the process without the server ends it with the server. */
static void other_bus_errors(void **state)
{
    void (*cmockas)(int) = signal(SIGBUS, SIG_DFL);
    struct vc *c = vc_new_ready();
    int fd = vc_memfd(PAGE);

    (void)state;
    assert_ptr_not_equal(cmockas, SIG_ERR);
    for (int sent = 0; sent < 2; sent++) {
        int status;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
            const struct rlimit no_core = {0, 0};
            volatile uint8_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

            setrlimit(RLIMIT_CORE, &no_core);
            _exit(ftruncate(fd, 0) || (sent ? raise(SIGBUS) : *p));
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGBUS);
    }
    close(fd);
    vc_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"20,000 maps with a descriptor each need one", twenty_thousand_maps, NULL, NULL, NULL},
        {"overlapping maps are EEXIST, cutting unmaps EINVAL", overlaps, NULL, NULL, NULL},
        {"lying descriptors cost an error and not the card", lying_descriptors, NULL, NULL, NULL},
        {"a file that grows is mapped again", file_that_grows, NULL, NULL, NULL},
        {"MSG_CTRUNC: the map falls back to messages", kernel_drops_the_descriptor, NULL, NULL,
         NULL},
        {"DMA honours maps, permissions and bus master", dma_rules, NULL, NULL, NULL},
        {"a file cut short: what is gone is EFAULT", file_that_shrinks, NULL, NULL, NULL},
        {"a file cut short while it is copied", file_that_shrinks_in_the_copy, NULL, NULL, NULL},
        {"a hole in a file system that is full is EFAULT", file_system_that_is_full, NULL, NULL,
         NULL},
        {"a SIGBUS of somebody else ends the process", other_bus_errors, NULL, NULL, NULL},
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
