/* Loaded before a program's libraries, has its clock go WRONG_BY seconds ahead. Its timers ask another one. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t which, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, which, now);
    const char *wrong = getenv("WRONG_BY");
    if (!failed && which == CLOCK_REALTIME && wrong)
        now->tv_sec += atoi(wrong);
    return failed;
}
