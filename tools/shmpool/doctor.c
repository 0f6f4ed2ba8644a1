/* doctor: the limits and settings of the system that pools meet, and what to do about them. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "json.h"
#include "say.h"
#include "verbs.h"

enum { WIDTH = 79, INDENT = 9 };

static const char *const states[] = {
    [FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_WARNING] = "warning"};

static void examine(struct findings *findings)
{
    static subject *const subjects[] = {doctor_shm_folder, doctor_sysv,   doctor_overcommit,
                                        doctor_huge_pages, doctor_cgroup, doctor_rlimits,
                                        doctor_logind,     doctor_sight};
    const struct passwd *user = getpwuid(geteuid());
    struct patient patient = {"", geteuid(), user != NULL ? user->pw_name : NULL};
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        subjects[i](&patient, findings);
}

/* Prints the text in lines as wide as they may be; label stands before the first word. */
static void print_filled(const char *label, const char *text)
{
    size_t at = INDENT + strlen(label);
    printf("%*s%s", INDENT, "", label);
    for (size_t length; *text != '\0'; text += length + strspn(text + length, " ")) {
        length = strcspn(text, " ");
        if (at > INDENT && at + length + 1 > WIDTH) {
            printf("\n%*s", INDENT, "");
            at = INDENT;
        }
        at += (size_t)printf("%s%.*s", at > INDENT ? " " : "", (int)length, text);
    }
    putchar('\n');
}

static void print_findings(const struct findings *findings)
{
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *finding = &findings->all[i];
        printf("%-8s %-21s %s\n", states[finding->state], finding->what, finding->value);
        print_filled("", finding->meaning);
        if (finding->remedy != NULL)
            print_filled("Remedy:", finding->remedy);
    }
}

static void write_findings(const struct findings *findings)
{
    json_object(NULL);
    json_array("doctor");
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *finding = &findings->all[i];
        json_object(NULL);
        json_text("what", finding->what);
        json_text("value", finding->value);
        json_text("state", states[finding->state]);
        json_text("meaning", finding->meaning);
        json_text("remedy", finding->remedy);
        json_object_end();
    }
    json_array_end();
    json_object_end();
}

int verb_doctor(const struct request *request)
{
    struct findings findings = {.n = 0};
    int status = STATUS_FINE;
    examine(&findings);
    if (request->json)
        write_findings(&findings);
    else
        print_findings(&findings);
    for (size_t i = 0; i < findings.n; i++)
        if (findings.all[i].state == FINDING_WARNING)
            status = STATUS_FOUND;
    return say_ended(status);
}
