// SPDX-License-Identifier: Apache-2.0
/* The table of commands; see commands.h. */
#include "commands.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct key DeviceKeys[] = {
    {"mac", VALUE_STRING, "", "MAC address of the device, source of rewritten packets", false},
};
static const struct key FunctionKeys[] = {
    {"function", VALUE_INTEGER, "", "its number, 1 or more", false},
    {"mac", VALUE_STRING, "", "packets from the network to this MAC go here by default", false},
    {"domain", VALUE_STRING, "", "source domain of its packets", false},
    {"default", VALUE_BOOL, "true false", "gets packets from the network that nobody else gets",
     false},
};
static const struct key DomainKeys[] = {
    {"name", VALUE_STRING, "", "its name", false},
    {"state", VALUE_STRING, "running draining paused stopped", "what happens to its packets",
     false},
    {"unknown", VALUE_STRING, "pass drop reject", "policy for packets that no service takes",
     false},
    {"home", VALUE_INTEGER, "", "function it lives on, for the operator", false},
};
static const struct key AddressKeys[] = {
    {"address", VALUE_STRING, "", "address or prefix", false},
    {"vlan", VALUE_INTEGER, "", "VLAN identifier, 0 untagged; any when absent", false},
    {"domain", VALUE_STRING, "", "domain it belongs to", false},
    {"function", VALUE_INTEGER, "", "function it lives on, for the operator", false},
};
static const struct key ServiceKeys[] = {
    {"name", VALUE_STRING, "", "its name", false},
    {"domain", VALUE_STRING, "", "domain it belongs to", false},
    {"address", VALUE_STRING, "", "one of the domain's addresses; any when absent", false},
    {"vlan", VALUE_INTEGER, "", "which address, where it is there for several VLANs", false},
    {"protocol", VALUE_PROTOCOL, "tcp udp sctp icmp icmpv6", "any when absent", false},
    {"port", VALUE_INTEGER, "", "destination port; any when absent", false},
    {"mode", VALUE_STRING, "static deliver stateful", "how packets reach the backend", false},
    {"strict", VALUE_BOOL, "true false", "replies without a record are not rewritten", false},
    {"backends", VALUE_LIST, "", "backends, with commas between", false},
    {"scheduler", VALUE_STRING, "rr wrr mh sh lc wlc fast", "stateful: who gets a new connection",
     true},
    {"key", VALUE_STRING, "client client+port", "scheduler mh: what of the client is hashed", true},
    {"slots", VALUE_INTEGER, "", "size of the slot table, a power of two; chosen when absent",
     true},
    {"no_record", VALUE_STRING, "reject drop pass hash",
     "packets of no connection that may not begin one", true},
    {"no_backend", VALUE_STRING, "reject drop", "new connections while no backend takes any", true},
    {"full", VALUE_STRING, "drop hash punt", "new connections while the card has no room", true},
    {"timeouts", VALUE_SECONDS, "", "seconds by state, as established=3600,syn=30", true},
};
static const struct key LimitsKeys[] = {
    {"embryonic", VALUE_INTEGER, "", "most connections whose client has proved nothing; 0: any",
     false},
    {"reject_rate", VALUE_INTEGER, "", "answers to rejected packets a second, for each reason",
     false},
    {"reject_burst", VALUE_INTEGER, "", "such answers at once; 0: none", false},
};
static const struct key SlowPathKeys[] = {
    {"enabled", VALUE_BOOL, "true false", "false: they pass unchanged, or are dropped", false},
    {"reasons", VALUE_LIST, "", "which packets, with commas between", false},
    {"rate", VALUE_INTEGER, "", "such packets a second, for each reason", false},
    {"burst", VALUE_INTEGER, "", "such packets at once; 0: none", false},
    {"datagrams", VALUE_INTEGER, "", "datagrams at once whose fragments are known", false},
    {"fragments", VALUE_INTEGER, "", "fragments of one datagram", false},
    {"memory_kib", VALUE_INTEGER, "", "memory for fragments that wait", false},
    {"hold_ms", VALUE_INTEGER, "", "how long one waits for the first", false},
    {"remember_ms", VALUE_INTEGER, "", "how long an incomplete datagram is known", false},
};
static const struct key BackendKeys[] = {
    {"name", VALUE_STRING, "", "its name", false},
    {"address", VALUE_STRING, "", "address of the server", false},
    {"port", VALUE_INTEGER, "", "port of the server; absent or 0 keeps the port", false},
    {"mac", VALUE_STRING, "", "MAC address of the server; absent keeps the MAC addresses", false},
    {"function", VALUE_INTEGER, "", "function its packets leave by, 0 the network", false},
    {"weight", VALUE_INTEGER, "", "share of new connections, 1 when absent, 0 none", false},
    {"backup", VALUE_BOOL, "true false", "gets connections only while no other backend does", true},
};

static const struct key TraceKeys[] = {
    {"host", VALUE_STRING, "", "ADDRESS[/LENGTH] that the packet comes from or goes to", false},
    {"port", VALUE_INTEGER, "", "of TCP, UDP or SCTP, of either side", false},
    {"src", VALUE_STRING, "", "before host or port: only of the source", false},
    {"dst", VALUE_STRING, "", "before host or port: only of the destination", false},
    {"proto", VALUE_PROTOCOL, "tcp udp sctp icmp icmpv6", "or a number", false},
    {"service", VALUE_STRING, "", "that took the packet, or that it is a reply of", false},
    {"backend", VALUE_STRING, "", "that it goes to or comes from", false},
    {"domain", VALUE_STRING, "", "that it belongs to", false},
    {"address", VALUE_STRING, "", "that it came to, or that it is a reply of", false},
    {"reason", VALUE_LIST, "",
     "why it went there, as stats show names it, with commas between; or pass, drop, rewrite, "
     "deliver, reject",
     false},
    {"ingress", VALUE_STRING, "", "where it came in: network, or function N", false},
    {"count", VALUE_INTEGER, "", "end behind so many packets", false},
    {"rate", VALUE_INTEGER, "", "tell at most so many a second, 1000 when absent", false},
    {"every", VALUE_INTEGER, "", "of those that fit tell only each n-th", false},
};

const struct object Objects[] = {
    {"device", NULL, DeviceKeys, COUNT(DeviceKeys), "the card"},
    {"limits", NULL, LimitsKeys, COUNT(LimitsKeys), "limits of the whole card"},
    {"slow_path", NULL, SlowPathKeys, COUNT(SlowPathKeys),
     "packets that the card hands to the host"},
    {"function", "function", FunctionKeys, COUNT(FunctionKeys), "host-side attach points"},
    {"domain", "name", DomainKeys, COUNT(DomainKeys), "tenants"},
    {"address", "address", AddressKeys, COUNT(AddressKeys), "public addresses of domains"},
    {"service", "name", ServiceKeys, COUNT(ServiceKeys), "what of a domain goes where"},
    {"backend", "name", BackendKeys, COUNT(BackendKeys), "servers that packets go to"},
    {"connection", NULL, NULL, 0, "connections of stateful services"},
    {"mirror", NULL, NULL, 0, "the copy of the card's connections in memory"},
    {"stats", NULL, NULL, 0, "counters"},
    {"config", NULL, NULL, 0, "the whole configuration"},
    {"monitor", NULL, NULL, 0, "changes and connections as they happen"},
    {"explain", NULL, NULL, 0, "what happens to a packet, and why"},
    {"trace", NULL, TraceKeys, COUNT(TraceKeys), "samples of packets, and where they go"},
    {"help", NULL, NULL, 0, "this text"},
};
const size_t ObjectCount = COUNT(Objects);

#define SHOW(object, plural)                                                                       \
    {                                                                                              \
        object, "show", ARGS_NAME_OPTIONAL, "[NAME]", "list them, with -s their counters", plural, \
            NULL                                                                                   \
    }
#define ADD(object)                                                                                \
    {                                                                                              \
        object, "add", ARGS_NAME_KEYS, "NAME KEY VALUE...", "add one", "changed objects rows",     \
            NULL                                                                                   \
    }
#define SET(object)                                                                                \
    {                                                                                              \
        object, "set", ARGS_NAME_KEYS, "NAME KEY VALUE...",                                        \
            "change keys of one; the value none removes a key", "changed objects rows", NULL       \
    }
#define DEL(object)                                                                                \
    {                                                                                              \
        object, "del", ARGS_NAME, "NAME", "remove one", "changed objects rows", NULL               \
    }

const struct command Commands[] = {
    {"device", "list", ARGS_NONE, "", "list the cards of this host", "devices", ""},
    {"device", "bind", ARGS_CARD, "ADDRESS", "give a card to VFIO, as root", "devices", ""},
    {"device", "unbind", ARGS_CARD, "ADDRESS", "take a card back from VFIO, as root", "devices",
     ""},
    {"device", "show", ARGS_NONE, "", "the card, its sizes and how full they are", "devices", NULL},
    {"device", "set", ARGS_KEYS, "KEY VALUE...", "change its settings", "changed objects rows",
     NULL},
    {"device", "health", ARGS_NONE, "", "is everything as it should be", "ok checks", NULL},
    {"device", "selftest", ARGS_NONE, "", "use registers, DMA and tables once", "ok checks", NULL},
    {"device", "reset", ARGS_NONE, "",
     "reset the card and apply the configuration again; packets pass unchanged in between", "reset",
     NULL},
    {"limits", "show", ARGS_NONE, "", "the limits that are in force", "limits", NULL},
    {"limits", "set", ARGS_KEYS, "KEY VALUE...", "change them; the value none is the default",
     "changed objects rows", NULL},
    {"slow_path", "show", ARGS_NONE, "", "what is in force, given or not", "slow_path", NULL},
    {"slow_path", "status", ARGS_NONE, "", "what became of the packets",
     "running connections_known reasons", NULL},
    {"slow_path", "set", ARGS_KEYS, "KEY VALUE...", "change it; the value none is the default",
     "changed objects rows", NULL},
    {"function", "show", ARGS_NAME_OPTIONAL, "[NUMBER]", "list them, with -s their counters",
     "functions", NULL},
    {"function", "add", ARGS_NAME_KEYS, "NUMBER KEY VALUE...", "add one", "changed objects rows",
     NULL},
    {"function", "set", ARGS_NAME_KEYS, "NUMBER KEY VALUE...",
     "change keys of one; the value none removes a key", "changed objects rows", NULL},
    {"function", "del", ARGS_NAME, "NUMBER", "remove one", "changed objects rows", NULL},
    SHOW("domain", "domains"),
    ADD("domain"),
    SET("domain"),
    DEL("domain"),
    {"domain", "state", ARGS_STATE, "NAME running|draining|paused|stopped", "change its state",
     "changed objects rows", "set"},
    {"address", "show", ARGS_NAME_OPTIONAL, "[PREFIX [vlan N]]",
     "list them, with -s their counters", "addresses", NULL},
    {"address", "add", ARGS_NAME_KEYS, "PREFIX [vlan N] KEY VALUE...", "add one",
     "changed objects rows", NULL},
    {"address", "set", ARGS_NAME_KEYS, "PREFIX [vlan N] KEY VALUE...",
     "change keys of one; the value none removes a key", "changed objects rows", NULL},
    {"address", "del", ARGS_NAME, "PREFIX [vlan N]", "remove one", "changed objects rows", NULL},
    SHOW("service", "services"),
    ADD("service"),
    SET("service"),
    DEL("service"),
    SHOW("backend", "backends"),
    ADD("backend"),
    SET("backend"),
    DEL("backend"),
    {"backend", "drain", ARGS_NAME, "NAME",
     "give it weight 0; with --wait or --deadline wait until its connections have ended, and end "
     "the rest at the deadline",
     "backend weight records ended ended_by_themselves left seconds", "set"},
    {"connection", "list", ARGS_FILTER, "", "one line for each, or for those that options choose",
     "connections count", NULL},
    {"connection", "show", ARGS_SLOT, "SLOT[:GENERATION]", "everything about one", "connection",
     NULL},
    {"connection", "count", ARGS_FILTER, "", "how many there are, by state", "count states", NULL},
    {"connection", "delete", ARGS_SLOT, "SLOT:GENERATION", "end one", "connection", NULL},
    {"connection", "flush", ARGS_FILTER, "", "end those that options choose, or with --all all",
     "connections count", NULL},
    {"stats", "show", ARGS_NONE, "", "counters by name; with --rate how many a second",
     "time_ms connections reasons functions domains addresses services backends", NULL},
    {"config", "show", ARGS_NONE, "", "the running configuration", "config", NULL},
    {"config", "check", ARGS_FILE, "FILE|-", "can this card run the file", "ok", NULL},
    {"config", "diff", ARGS_FILE, "FILE|-", "what apply would change", "changed objects rows",
     NULL},
    {"config", "apply", ARGS_FILE, "FILE|-", "make the file the running configuration, all at once",
     "changed objects rows", NULL},
    {"config", "save", ARGS_FILE_OPTIONAL, "[FILE|-]", "write the running configuration to a file",
     "config", "show"},
    {"mirror", "status", ARGS_NONE, "", "does it run, and what it did", "mirror", NULL},
    {"mirror", "audit", ARGS_NONE, "",
     "compare it with the card; what is different is copied again",
     "ok blocks records different unsettled", NULL},
    {"monitor", NULL, ARGS_NONE, "",
     "tell changes and connections as they happen, one line each; or only connections that options "
     "choose",
     "event", "start"},
    {"explain", NULL, ARGS_PACKET,
     "[from network|function N] [vlan V] [mac MAC] PROTOCOL SOURCE[:PORT] to DESTINATION[:PORT] | "
     "[from network|function N] hex BYTES | [from network|function N] pcap FILE",
     "what happens to a packet, step by step", "packets", "packet"},
    {"trace", NULL, ARGS_TRACE, "[KEY VALUE]... [tcp|udp|sctp|icmp|icmpv6|ip|ip6]",
     "tell packets that pass the card now, one line each: where they came from, what was decided, "
     "by "
     "which rows; all that is given must fit; Ctrl-C ends it",
     "event", "start"},
    {"help", NULL, ARGS_OBJECT_OPTIONAL, "[OBJECT]", "tell about all objects or one", "", ""},
};
const size_t CommandCount = COUNT(Commands);

const struct option_help Options[] = {
    {'j', "json", NULL, "JSON on standard output, also for errors"},
    {'s', "stats", NULL, "show: with counters"},
    {'a', "all", NULL, "stats show: also counters that are 0; connection flush: all of them"},
    {'r', "rate", NULL, "stats show: per second, measured over one second"},
    {'n', "dry-run", NULL, "only tell what would change"},
    {0, "service", "NAME", "connection, monitor: those of this service"},
    {0, "backend", "NAME", "connection, monitor: those of this backend"},
    {0, "client", "IP[:PORT]", "connection, monitor: those of this client"},
    {0, "protocol", "PROTOCOL", "connection, monitor: those of this protocol"},
    {0, "state", "STATE", "connection, monitor: those in this state"},
    {0, "wait", NULL, "backend drain: wait until its connections have ended"},
    {0, "deadline", "SECONDS", "backend drain: wait so long, then end those that are left"},
    {'w', "write", "FILE", "trace: the first 128 bytes of each to a pcap file, - standard output"},
    {'S', "socket", "PATH", "socket of portcamd (/run/portcam/portcam.sock)"},
    {'d', "device", "NAME", "open this device without a daemon: pci:..., vfio-user:PATH, model:"},
    {'D', "state-dir", "DIR", "with --device: directory that keeps the configuration"},
    {'c', "config", "FILE", "with --device: apply this file first"},
    {'t', "timeout", "SECONDS", "longest time to wait for the daemon (30)"},
    {'h', "help", NULL, "this text"},
    {'V', "version", NULL, "version of the program"},
};
const size_t OptionCount = COUNT(Options);

const struct object *find_object(const char *name)
{
    for (size_t i = 0; i < ObjectCount; i++) {
        if (strcmp(Objects[i].name, name) == 0)
            return &Objects[i];
    }
    return NULL;
}

const struct command *find_command(const char *object, const char *verb)
{
    for (size_t i = 0; i < CommandCount; i++) {
        const struct command *c = &Commands[i];
        if (strcmp(c->object, object) == 0 &&
            (c->verb ? verb && strcmp(c->verb, verb) == 0 : verb == NULL))
            return c;
    }
    return NULL;
}

const struct key *find_key(const struct object *object, const char *name)
{
    for (size_t i = 0; i < object->n_keys; i++) {
        if (strcmp(object->keys[i].name, name) == 0)
            return &object->keys[i];
    }
    return NULL;
}
