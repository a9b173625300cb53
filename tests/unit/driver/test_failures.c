// SPDX-License-Identifier: Apache-2.0
/*
 * The rows of tests/vm/failures that need no kernel: those made in a packed tree of sysfs, and those behind false system
 * calls. Each row is a test; a row that nobody makes here, and a condition without a row, is a failure too.
 */
#include "driver_test.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "sys.h"
#include "tree.h"

enum { ROWS = 64, GROUP = 7 };

struct row {
    char where[16];
    char what[64];
    char result[32];
    char cause[256];
    char cure[256];
};

static struct row rows[ROWS];
static unsigned n_rows;

static char *root;
static struct portcam_dev_opts opts;
static struct portcam_dev_bind_opts bind_opts;
static struct pc_sys tree_sys;
static int refused_errno;

/* ---- what is done with the card ---- */

static int open_it(void)
{
    struct portcam_dev *dev = NULL;
    int err = portcam_dev_open("pci:" TREE_BDF, &opts, &dev);

    if (!err)
        portcam_dev_close(dev);
    return err;
}

static int open_other_address(void)
{
    struct portcam_dev *dev = NULL;

    return portcam_dev_open("pci:0000:03:20.0", &opts, &dev);
}

static int connect_all_vectors(void)
{
    struct portcam_dev *dev = NULL;
    const int fds[8] = {1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008};
    int err = portcam_dev_open("pci:" TREE_BDF, &opts, &dev);

    if (!err) {
        err = portcam_dev_set_irqs(dev, 0, 8, fds);
        portcam_dev_close(dev);
    }
    return err;
}

static int take_memory(void)
{
    struct portcam_dev *dev = NULL;
    void *vaddr;
    uint64_t iova;
    int err = portcam_dev_open("pci:" TREE_BDF, &opts, &dev);

    if (!err) {
        err = portcam_dma_alloc(dev, 4096, 64, &vaddr, &iova);
        portcam_dev_close(dev);
    }
    return err;
}

static int bind_it(void)
{
    return portcam_dev_bind(TREE_BDF, &bind_opts);
}

/* ---- how the conditions are made; a good card is there before ---- */

static void nothing(void) {}

static void replace_card(const char *driver, int group)
{
    tree_unlink(root, "sys/bus/pci/devices/" TREE_BDF "/driver");
    tree_unlink(root, "sys/bus/pci/devices/" TREE_BDF "/iommu_group");
    tree_unlink(root, "sys/kernel/iommu_groups/7/devices/" TREE_BDF);
    tree_pci(root, TREE_BDF, driver, group);
}

static void no_iommu(void)
{
    replace_card("vfio-pci", -1);
}

static void other_driver(void)
{
    replace_card("xdma", GROUP);
}

static void unbound(void)
{
    replace_card(NULL, GROUP);
}

static void unbound_with_vfio(void)
{
    replace_card(NULL, GROUP);
    tree_file(root, "sys/bus/pci/drivers/vfio-pci/new_id", "", 0);
}

static void read_only(void)
{
    unbound_with_vfio();
    refused_errno = EROFS;
}

static void no_vfio(void)
{
    tree_unlink(root, "dev/vfio/vfio");
    tree_unlink(root, "dev/iommu");
}

static void no_iommufd(void)
{
    tree_unlink(root, "dev/iommu");
    opts.flags = PORTCAM_DEV_NO_GROUP;
}

static void gone(void)
{
    unsigned char ones[64];

    memset(ones, 0xff, sizeof(ones));
    tree_file(root, "sys/bus/pci/devices/" TREE_BDF "/config", ones, sizeof(ones));
}

static void fail_call(const char *call, int err)
{
    fk.fail_call = call;
    fk.fail_errno = err;
}

static void not_isolated(void)
{
    fail_call("container SET_IOMMU", EPERM);
}

static void not_isolated_iommufd(void)
{
    opts.flags = PORTCAM_DEV_NO_GROUP;
    fail_call("device BIND", EPERM);
}

static void reserved_memory(void)
{
    fail_call("container SET_IOMMU", EINVAL);
}

static void no_type1(void)
{
    fail_call("container CHECK_EXTENSION", EINVAL);
}

static void not_viable(void)
{
    fk.not_viable = true;
}

static void group_open(void)
{
    opts.flags = PORTCAM_DEV_NO_GROUP;
    fail_call("device BIND", EBUSY);
}

static void device_bound(void)
{
    opts.flags = PORTCAM_DEV_NO_GROUP;
    fail_call("device BIND", EINVAL);
}

static void little_memlock(void)
{
    fk.memlock = 4096;
}

static void few_vectors(void)
{
    fk.vectors_available = 4;
}

static void other_magic(void)
{
    memset(fk.bar0, 0x12, 4);
}

static void no_reset(void)
{
    fail_call("group GET_DEVICE_FD", EAGAIN);
}

static const struct condition {
    const char *where, *what;
    void (*make)(void);
    int (*act)(void);
    int err;
    const char *result;
} conditions[] = {
#define C(where, what, make, act, err)                                                             \
    {                                                                                              \
        where, what, make, act, err, #err                                                          \
    }
    C("tree", "no IOMMU", no_iommu, open_it, EOPNOTSUPP),
    C("tree", "bound to another driver", other_driver, open_it, EBUSY),
    C("tree", "vfio-pci is not loaded, at bind", unbound, bind_it, ENOENT),
    C("tree", "vfio-pci does not take the card", unbound_with_vfio, bind_it, EIO),
    C("tree", "sysfs is read-only, at bind", read_only, bind_it, EROFS),
    C("tree", "VFIO is not loaded", no_vfio, open_it, ENOENT),
    C("tree", "iommufd is wanted and not there", no_iommufd, open_it, ENOENT),
    C("tree", "bad address", nothing, open_other_address, EINVAL),
    C("tree", "card gone", gone, open_it, ENODEV),
    C("calls", "interrupts are not isolated", not_isolated, open_it, EPERM),
    C("calls", "interrupts are not isolated, iommufd", not_isolated_iommufd, open_it, EPERM),
    C("calls", "memory reserved by the firmware", reserved_memory, open_it, EINVAL),
    C("calls", "no TYPE1v2", no_type1, open_it, EINVAL),
    C("calls", "group not viable, the kernel says so", not_viable, open_it, EBUSY),
    C("calls", "device busy", device_bound, open_it, EBUSY),
    C("calls", "group busy, seen by iommufd", group_open, open_it, EBUSY),
    C("calls", "memory-lock limit, met later", little_memlock, take_memory, ENOMEM),
    C("calls", "MSI-X short, the system has fewer", few_vectors, connect_all_vectors, ENOSPC),
    C("calls", "not this card", other_magic, open_it, EPROTO),
    C("calls", "the card cannot be reset", no_reset, open_it, EAGAIN),
};
enum { CONDITIONS = sizeof(conditions) / sizeof(*conditions) };

/* ---- the table ---- */

static bool here(const struct row *row)
{
    return strcmp(row->where, "tree") == 0 || strcmp(row->where, "calls") == 0;
}

static void take(char **at, char *to, size_t len)
{
    char *end = strstr(*at, " | ");

    snprintf(to, len, "%.*s", (int)(end ? (size_t)(end - *at) : strcspn(*at, "\n")), *at);
    *at = end ? end + 3 : *at + strcspn(*at, "\n");
}

static bool read_rows(const char *path)
{
    char line[1024];
    FILE *f = fopen(path, "r");

    if (!f)
        return false;
    while (n_rows < ROWS && fgets(line, sizeof(line), f)) {
        struct row *row = &rows[n_rows];
        char *at = line;

        if (line[0] == '#' || line[0] == '\n')
            continue;
        take(&at, row->where, sizeof(row->where));
        take(&at, row->what, sizeof(row->what));
        take(&at, row->result, sizeof(row->result));
        take(&at, row->cause, sizeof(row->cause));
        take(&at, row->cure, sizeof(row->cure));
        n_rows++;
    }
    fclose(f);
    return n_rows < ROWS;
}

/* The text with CARD, GROUP and ROOT filled in. */
static void says(const char *text)
{
    const char *const words[][2] = {{"CARD", TREE_BDF}, {"GROUP", "7"}, {"ROOT", root}};
    char full[512] = "";

    while (*text) {
        size_t n = strlen(full);
        size_t i = 0;

        while (i < 3 && strncmp(text, words[i][0], strlen(words[i][0])) != 0)
            i++;
        if (i < 3)
            snprintf(full + n, sizeof(full) - n, "%s", words[i][1]);
        else
            snprintf(full + n, sizeof(full) - n, "%c", *text);
        text += i < 3 ? strlen(words[i][0]) : 1;
    }
    assert_says(full);
}

static int refused_open(const char *path, int flags)
{
    (void)flags;
    if (!refused_errno)
        return open(path, O_RDWR | O_CREAT, 0600); /* a file of a tree: nothing happens */
    errno = refused_errno;
    return -1;
}

static int setup(void **state)
{
    static char sysfs[PATH_MAX], devfs[PATH_MAX];

    (void)state;
    root = tree_new();
    tree_good_card(root, 1);
    snprintf(sysfs, sizeof(sysfs), "%s/sys", root);
    snprintf(devfs, sizeof(devfs), "%s/dev", root);
    fk_reset();
    refused_errno = 0;
    tree_sys = pc_sys_libc;
    tree_sys.open = refused_open;
    opts = (struct portcam_dev_opts){.sz = sizeof(opts),
                                     .sysfs_root = sysfs,
                                     .dev_root = devfs,
                                     .arena_size = 2u << 20,
                                     .sys = &fk_sys};
    bind_opts = (struct portcam_dev_bind_opts){
        .sz = sizeof(bind_opts), .sysfs_root = sysfs, .sys = &tree_sys};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tree_remove(root);
    fk_free();
    return 0;
}

static void one_row(void **state)
{
    const struct row *row = *state;
    const struct condition *c = conditions;

    while (c < conditions + CONDITIONS &&
           (strcmp(c->where, row->where) != 0 || strcmp(c->what, row->what) != 0))
        c++;
    if (c == conditions + CONDITIONS)
        fail_msg("nobody makes \"%s\" here", row->what);
    c->make();
    assert_err(c->act(), c->err);
    assert_string_equal(row->result, c->result);
    says(row->cause);
    says(row->cure);
    assert_int_equal(fk_leaks(), 0);
}

static void every_condition_has_its_row(void **state)
{
    unsigned n = 0;

    (void)state;
    for (unsigned i = 0; i < n_rows; i++)
        n += here(&rows[i]);
    assert_int_equal(n, CONDITIONS);
}

int main(void)
{
    static struct CMUnitTest tests[ROWS + 1];
    unsigned n = 0;

    if (!read_rows("tests/vm/failures")) {
        printf("1..1\nnot ok 1 - tests/vm/failures can be read\n");
        return 1;
    }
    tests[n++] = (struct CMUnitTest){"failures: every condition has its row",
                                     every_condition_has_its_row, NULL, NULL, NULL};
    for (unsigned i = 0; i < n_rows; i++)
        if (here(&rows[i]))
            tests[n++] = (struct CMUnitTest){rows[i].what, one_row, setup, teardown, &rows[i]};
    return _cmocka_run_group_tests("failures", tests, n, NULL, NULL);
}
