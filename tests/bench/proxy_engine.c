/* An engine that only pretends: answers at once, or streams events at a given rate. Costs next to nothing.
   usage: proxy_engine PORT
   The body of a request says what it wants: "stream":true with "n" events at "rate" a second, else 2 KB of JSON. */
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
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536, ROOM = 1 << 18 };

typedef struct {
    int fd, streaming, at; /* at: place among the streams */
    long sent, wanted;
    double rate;
    uint64_t begun;
    size_t length;
    char *in;
} Connection;

static Connection *connections[MOST];
static Connection *streams[MOST];
static int stream_count, poll_fd;
static char whole[4096];
static int whole_length;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void stop_streaming(Connection *c) {
    if (!c->streaming) return;
    c->streaming = 0;
    streams[c->at] = streams[--stream_count];
    streams[c->at]->at = c->at;
}

static void end(Connection *c) {
    stop_streaming(c);
    connections[c->fd] = NULL;
    close(c->fd);
    free(c->in);
    free(c);
}

static int put(Connection *c, const char *data, int length) { /* all or nothing: the bench's clients read */
    return send(c->fd, data, (size_t)length, MSG_NOSIGNAL) == length;
}

static int put_event(Connection *c) {
    char event[512], chunk[600];
    int length = snprintf(event, sizeof event,
        "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"content\":\" token\"}}],\"created\":1700000000,"
        "\"id\":\"chatcmpl-abcdefghijklmnopqrstuvwxyz012345\",\"model\":\"bench\",\"object\":\"chat.completion.chunk\","
        "\"t\":%020llu}\n\n", (unsigned long long)now());
    int framed = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", length, event);
    c->sent++;
    return put(c, chunk, framed);
}

static int go_on(Connection *c) {
    double due = 1 + (double)(now() - c->begun) * 1e-9 * c->rate;
    while (c->sent < c->wanted && c->sent < due)
        if (!put_event(c)) return 0;
    if (c->sent < c->wanted) return 1;
    stop_streaming(c);
    return put(c, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n", 24);
}

static double number(const char *text, const char *key, double otherwise) {
    const char *found = strstr(text, key);
    return found ? atof(found + strlen(key)) : otherwise;
}

static int answer(Connection *c, const char *body) {
    static const char head[] =
        "HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    if (!strstr(body, "\"stream\":true")) return put(c, whole, whole_length);
    c->wanted = (long)number(body, "\"n\":", 100);
    c->rate = number(body, "\"rate\":", 50);
    c->sent = 0;
    c->begun = now();
    c->streaming = 1;
    c->at = stream_count;
    streams[stream_count++] = c;
    return put(c, head, sizeof head - 1) && go_on(c);
}

static int take(Connection *c) {
    while (!c->streaming && c->length) {
        c->in[c->length] = 0;
        char *body = strstr(c->in, "\r\n\r\n");
        if (!body) return 1;
        body += 4;
        char *announced = strcasestr(c->in, "content-length:");
        size_t size = announced && announced < body ? (size_t)atol(announced + 15) : 0;
        size_t total = (size_t)(body - c->in) + size;
        if (c->length < total) return 1;
        char kept = c->in[total];
        c->in[total] = 0;
        int well = answer(c, body);
        c->in[total] = kept;
        if (!well) return 0;
        memmove(c->in, c->in + total, c->length -= total);
    }
    return 1;
}

static void greet(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        Connection *c = calloc(1, sizeof *c);
        c->fd = fd;
        c->in = malloc(ROOM + 1);
        connections[fd] = c;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static void hear(Connection *c) {
    ssize_t got = recv(c->fd, c->in + c->length, ROOM - c->length, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        end(c);
        return;
    }
    c->length += (size_t)got;
    if (!take(c)) end(c);
}

static void prepare_whole(void) {
    char text[2100] = "{\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"";
    size_t at = strlen(text);
    while (at < 1900) text[at] = (char)('a' + at % 26), at++;
    strcpy(text + at, "\"}}],\"model\":\"bench\",\"usage\":{\"completion_tokens\":9,\"prompt_tokens\":20,\"total_tokens\":29}}");
    whole_length = snprintf(whole, sizeof whole,
        "HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n\r\n%s",
        strlen(text), text);
}

int main(int count, char **words) {
    if (count < 2) return 2;
    signal(SIGPIPE, SIG_IGN);
    prepare_whole();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) return perror("bind"), 1;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec beat = {{0, 1000000}, {0, 1000000}};
    timerfd_settime(timer, 0, &beat, NULL);
    poll_fd = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = timer;
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer, &event);
    for (;;) {
        int ready = epoll_wait(poll_fd, events, 512, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            uint64_t beats;
            if (fd == listener) greet(listener);
            else if (fd == timer) { if (read(timer, &beats, 8) < 0) continue; }
            else if (connections[fd]) hear(connections[fd]);
        }
        for (int i = stream_count - 1; i >= 0; i--)
            if (i < stream_count && !go_on(streams[i])) end(streams[i]);
    }
}
