// SPDX-License-Identifier: Apache-2.0
/* Help and bash completion, both written from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "args_trace.h"
#include "commands.h"
#include "portcam_defs.h"

static void print_options(void)
{
    printf("\nOptions, anywhere:\n");
    for (size_t i = 0; i < OptionCount; i++) {
        char name[40];
        snprintf(name, sizeof(name), "--%s%s%s", Options[i].name, Options[i].value ? " " : "",
                 Options[i].value ? Options[i].value : "");
        if (Options[i].letter)
            printf("  -%c, %-20s %s\n", Options[i].letter, name, Options[i].help);
        else
            printf("      %-20s %s\n", name, Options[i].help);
    }
}

static void print_command(const struct command *c)
{
    const char *form = c->synopsis;
    do {
        const char *end = strstr(form, " | ");
        size_t length = end ? (size_t)(end - form) : strlen(form);
        printf("  portcam %s%s%s%s%.*s\n", c->object, c->verb ? " " : "", c->verb ? c->verb : "",
               length ? " " : "", (int)length, form);
        form = end ? end + 3 : NULL;
    } while (form);
    printf("      %s\n", c->help);
}

static void print_object(const struct object *object)
{
    for (size_t i = 0; i < CommandCount; i++) {
        if (strcmp(Commands[i].object, object->name) == 0)
            print_command(&Commands[i]);
    }
    if (object->n_keys)
        printf("\nKeys:\n");
    for (size_t i = 0; i < object->n_keys; i++) {
        const struct key *key = &object->keys[i];
        printf("  %-10s %s%s%s%s\n", key->name, key->help, *key->values ? " (" : "", key->values,
               *key->values ? ")" : "");
    }
}

bool print_help(const char *name)
{
    if (name) {
        const struct object *object = find_object(name);
        if (!object)
            return false;
        printf("%s: %s\n\n", object->name, object->help);
        print_object(object);
        return true;
    }
    printf("Usage: portcam [OPTIONS] OBJECT VERB [ARGUMENTS]\n\n");
    for (size_t i = 0; i < ObjectCount; i++) {
        char verbs[80] = "";
        for (size_t k = 0; k < CommandCount; k++) {
            if (strcmp(Commands[k].object, Objects[i].name) == 0 && Commands[k].verb)
                snprintf(verbs + strlen(verbs), sizeof(verbs) - strlen(verbs), "%s%s",
                         *verbs ? "|" : "", Commands[k].verb);
        }
        printf("  %-10s %-51s %s\n", Objects[i].name, verbs, Objects[i].help);
    }
    print_options();
    printf("\n`portcam help OBJECT` tells more; portcam(8) tells all.\n");
    return true;
}

/* All names of a kind, with spaces between. */
static void print_objects(void)
{
    for (size_t i = 0; i < ObjectCount; i++)
        printf("%s%s", i ? " " : "", Objects[i].name);
}

static void print_verbs(const char *object)
{
    bool first = true;
    for (size_t i = 0; i < CommandCount; i++) {
        if (strcmp(Commands[i].object, object) != 0 || !Commands[i].verb)
            continue;
        printf("%s%s", first ? "" : " ", Commands[i].verb);
        first = false;
    }
}

static void print_key_cases(const struct object *object)
{
    for (size_t i = 0; i < object->n_keys; i++) {
        const struct key *key = &object->keys[i];
        if (*key->values)
            printf("        %s:%s) words='%s' ;;\n", object->name, key->name, key->values);
    }
}

static void print_keys(const struct object *object)
{
    if (!object->n_keys)
        return;
    printf("        %s) words='", object->name);
    for (size_t i = 0; i < object->n_keys; i++)
        printf("%s%s", i ? " " : "", object->keys[i].name);
    printf("' ;;\n");
}

static void print_states(void)
{
#define NAME(value, name, about)                                                                   \
    if ((value) != PORTCAM_CONNECTION_STATE_NONE)                                                  \
        printf("%s%s", (value) > 1 ? " " : "", name);
    PORTCAM_CONNECTION_STATE_LIST(NAME)
#undef NAME
}

static void print_reasons(void)
{
    printf("pass drop rewrite deliver reject");
#define NAME(value, name, rule, fate, about)                                                       \
    if ((value) != PORTCAM_REASON_DELIVER)                                                         \
        printf(" %s", name);
    PORTCAM_REASON_LIST(NAME)
#undef NAME
}

/* Everywhere behind it a filter may go on. */
static void print_trace(void)
{
    printf("    elif [ \"$object\" = trace ]; then\n"
           "        case $before in\n"
           "        src|dst) words='host port' ;;\n"
           "        proto) words='tcp udp sctp icmp icmpv6' ;;\n"
           "        ingress) words='network function' ;;\n"
           "        reason) words='");
    print_reasons();
    printf("' ;;\n"
           "        host|net|port|service|backend|domain|address|count|rate|every|function) ;;\n"
           "        *) words='");
    for (size_t i = 0; args_trace_word(i); i++)
        printf("%s%s", i ? " " : "", args_trace_word(i));
    printf("' ;;\n"
           "        esac\n");
}

void print_completion(void)
{
    printf("# SPDX-License-Identifier: Apache-2.0\n"
           "# bash completion of portcam, written by `portcam help --completion`.\n"
           "_portcam()\n"
           "{\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local object='' verb='' words='' skip='' i\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        if [ -n \"$skip\" ]; then skip=''; continue; fi\n"
           "        case ${COMP_WORDS[i]} in\n"
           "        ");
    bool first = true;
    for (size_t i = 0; i < OptionCount; i++) {
        if (!Options[i].value)
            continue;
        if (!first)
            putchar('|');
        if (Options[i].letter)
            printf("-%c|", Options[i].letter);
        printf("--%s", Options[i].name);
        first = false;
    }
    printf(") skip=1 ;;\n"
           "        -*) ;;\n"
           "        *) if [ -z \"$object\" ]; then object=${COMP_WORDS[i]}\n"
           "           elif [ -z \"$verb\" ]; then verb=${COMP_WORDS[i]}; fi ;;\n"
           "        esac\n"
           "    done\n"
           "    case $word in\n"
           "    -*) words='");
    for (size_t i = 0; i < OptionCount; i++)
        printf("%s--%s", i ? " " : "", Options[i].name);
    printf("'\n"
           "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\"); return ;;\n"
           "    esac\n"
           "    case $before in\n"
           "    --state) words='");
    print_states();
    printf("' ;;&\n"
           "    --protocol) words='tcp udp sctp icmp icmpv6' ;;&\n"
           "    --state|--protocol)\n"
           "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\"); return ;;\n"
           "    -S|--socket|-w|--write|-D|--state-dir|-c|--config|check|diff|apply|save|pcap)\n"
           "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return ;;\n"
           "    esac\n"
           "    if [ -z \"$object\" ] || [ \"$object\" = help ]; then\n"
           "        words='");
    print_objects();
    printf("'\n");
    print_trace();
    printf("    elif [ -z \"$verb\" ]; then\n"
           "        case $object in\n");
    for (size_t i = 0; i < ObjectCount; i++) {
        printf("        %s) words='", Objects[i].name);
        if (strcmp(Objects[i].name, "explain") == 0)
            printf("from hex pcap");
        else
            print_verbs(Objects[i].name);
        printf("' ;;\n");
    }
    printf("        esac\n"
           "    elif [ \"$verb\" = state ]; then\n"
           "        words='running draining paused stopped'\n"
           "    elif [ \"$verb\" = add ] || [ \"$verb\" = set ]; then\n"
           "        case $object:$before in\n");
    for (size_t i = 0; i < ObjectCount; i++)
        print_key_cases(&Objects[i]);
    printf("        esac\n"
           "        [ -n \"$words\" ] || case $object in\n");
    for (size_t i = 0; i < ObjectCount; i++)
        print_keys(&Objects[i]);
    printf("        esac\n"
           "    fi\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
           "}\n"
           "complete -o default -F _portcam portcam\n");
}
