/* A load generator: keep-alive connections that ask again as soon as they were answered.
   usage: proxy_load PORT CONNECTIONS SECONDS whole|stream|idle EVENTS RATE
   Prints one line of JSON: answers, faults, microseconds to the first byte, events and how late they came. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    int fd, busy, in_body, chunked;
    long left;
    size_t length;
    uint64_t asked, first;
    char in[16384];
} Connection;

typedef struct {
    uint64_t *values;
    size_t count, room;
} List;

static Connection *all;
static int poll_fd, connection_count, streaming;
static char beginning[1024], ending[256]; /* of each body, around words of its own */
static const char *port;
static struct sockaddr_in address;
static List firsts, delays;
static long answers, faults;
static uint64_t last_call;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void add(List *list, uint64_t value) {
    if (list->count == list->room)
        list->values = realloc(list->values, (list->room = list->room ? 2 * list->room : 4096) * sizeof value);
    list->values[list->count++] = value;
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static double share(const List *list, double part) {
    return list->count ? (double)list->values[(size_t)(part * (double)(list->count - 1))] / 1000.0 : 0;
}

static int make_request(char *into, size_t room) { /* no two bodies are the same, nor as long as the one before */
    static unsigned long number;
    char body[2048];
    int size = snprintf(body, sizeof body, "%s%lu%.*s%s", beginning, number, (int)(number % 97),
        "how are you today, and what did you do with all that time since we talked the last time about this question?", ending);
    number++;
    return snprintf(into, room,
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nUser-Agent: bench\r\nAccept: */*\r\n"
        "Authorization: Bearer none\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", port, size, body);
}

static void ask(Connection *c) {
    char request[4096];
    int length = make_request(request, sizeof request);
    c->length = 0;
    c->in_body = c->chunked = 0;
    c->left = 0;
    c->first = 0;
    c->asked = now();
    c->busy = c->asked < last_call;
    if (c->busy && send(c->fd, request, (size_t)length, MSG_NOSIGNAL) != length) faults++, c->busy = 0;
}

static int open_connection(Connection *c) {
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address)) return perror("connect"), 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event);
    return 1;
}

static void fail(Connection *c, const char *why) {
    if (faults++ < 3) fprintf(stderr, "fault: %s %.60s\n", why, c->in);
    close(c->fd);
    c->busy = 0;
    if (open_connection(c)) ask(c);
}

static void note_events(Connection *c, uint64_t at) {
    char *from = c->in, *stop = c->in + c->length, *mark;
    while ((mark = memmem(from, (size_t)(stop - from), "\"t\":", 4)) && stop - mark > 25) {
        add(&delays, at - strtoull(mark + 4, NULL, 10));
        from = mark + 24;
    }
    int done = c->length >= 5 && !memcmp(stop - 5, "0\r\n\r\n", 5);
    size_t keep = (size_t)(stop - from) > 64 ? 64 : (size_t)(stop - from);
    memmove(c->in, stop - keep, keep);
    c->length = keep;
    if (done) answers++, ask(c);
}

static void hear(Connection *c) {
    ssize_t got = recv(c->fd, c->in + c->length, sizeof c->in - 1 - c->length, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return fail(c, "closed");
    uint64_t at = now();
    c->length += (size_t)got;
    c->in[c->length] = 0;
    if (!c->first) add(&firsts, (c->first = at) - c->asked);
    if (!c->in_body) {
        char *body = strstr(c->in, "\r\n\r\n");
        if (!body) return;
        if (strncmp(c->in + 9, "200", 3)) return fail(c, "status");
        char *announced = strcasestr(c->in, "\r\ncontent-length:");
        c->chunked = !announced || announced > body;
        c->left = c->chunked ? 0 : atol(announced + 17);
        c->in_body = 1;
        c->length -= (size_t)(body + 4 - c->in);
        memmove(c->in, body + 4, c->length + 1);
        got = (ssize_t)c->length;
    }
    if (c->chunked) return note_events(c, at);
    c->left -= got;
    c->length = 0;
    if (c->left <= 0) answers++, ask(c);
}

int main(int count, char **words) {
    if (count < 7) return 2;
    signal(SIGPIPE, SIG_IGN);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)atoi(words[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection_count = atoi(words[2]);
    streaming = !strcmp(words[4], "stream");
    int idle = !strcmp(words[4], "idle");
    port = words[1];
    snprintf(beginning, sizeof beginning,
        "{\"model\":\"bench\",\"messages\":[{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"},{\"role\":\"user\","
        "\"content\":\"Hello there ");
    snprintf(ending, sizeof ending, "\"}],\"stream\":%s,\"n\":%d,\"rate\":%g}",
        streaming ? "true" : "false", atoi(words[5]), atof(words[6]));
    poll_fd = epoll_create1(0);
    all = calloc((size_t)connection_count, sizeof *all);
    for (int i = 0; i < connection_count; i++)
        if (!open_connection(&all[i])) return 1;
    uint64_t begun = now(), spread = streaming ? 1000000000u : 0;
    last_call = begun + (uint64_t)(atof(words[3]) * 1e9);
    if (idle) puts("connected"), fflush(stdout);
    int started = 0;
    struct epoll_event events[512];
    for (;;) {
        uint64_t at = now();
        while (!idle && started < connection_count && at - begun >= spread * (uint64_t)started / (uint64_t)connection_count)
            ask(&all[started++]);
        int busy = 0;
        for (int i = 0; i < connection_count && !busy; i++) busy = all[i].busy;
        if (at >= last_call && (!busy || at > last_call + 20000000000u)) break;
        int ready = epoll_wait(poll_fd, events, 512, started < connection_count ? 1 : 50);
        for (int i = 0; i < ready; i++) hear(events[i].data.ptr);
    }
    if (firsts.count) qsort(firsts.values, firsts.count, 8, by_size);
    if (delays.count) qsort(delays.values, delays.count, 8, by_size);
    printf("{\"seconds\":%.3f,\"answers\":%ld,\"faults\":%ld,\"first_p50\":%.1f,\"first_p99\":%.1f,\"events\":%zu,"
           "\"late_p50\":%.1f,\"late_p99\":%.1f}\n", (double)(now() - begun) * 1e-9, answers, faults, share(&firsts, 0.5),
           share(&firsts, 0.99), delays.count, share(&delays, 0.5), share(&delays, 0.99));
    return 0;
}
