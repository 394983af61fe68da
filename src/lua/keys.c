/*
 * Keys and signals of the line editor. Signals are let in only while it waits for a key, and are
 * answered there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "editor.h"

/* Signals that came and were not answered. */
static volatile sig_atomic_t interrupted, continued, resized;

static void on_signal(int number)
{
    if (number == SIGINT)
        interrupted = 1;
    else if (number == SIGCONT)
        continued = 1;
    else
        resized = 1;
}

static const struct {
    int number;
    void (*handler)(int);
} signals[SOCKQ_EDITOR_SIGNALS] = {
    {SIGINT, on_signal},
    {SIGCONT, on_signal},
    {SIGWINCH, on_signal},
    /* The collector stops this process and gives the terminal back meanwhile: supervise.c. */
    {SIGTSTP, SIG_IGN}};

void sockq_editor_take_signals(struct sockq_editor *e)
{
    struct sigaction action = {0};
    sigset_t marked;

    sigemptyset(&marked);
    for (int i = 0; i < SOCKQ_EDITOR_SIGNALS; i++)
        sigaddset(&marked, signals[i].number);
    sigprocmask(SIG_BLOCK, &marked, &e->mask_before);
    e->mask_waiting = e->mask_before;
    interrupted = continued = resized = 0;
    sigfillset(&action.sa_mask);
    for (int i = 0; i < SOCKQ_EDITOR_SIGNALS; i++) {
        sigdelset(&e->mask_waiting, signals[i].number);
        action.sa_handler = signals[i].handler;
        sigaction(signals[i].number, NULL, &e->before[i]);
        /* What is ignored stays so: a job that a shell started in the background. */
        if (e->before[i].sa_handler != SIG_IGN)
            sigaction(signals[i].number, &action, NULL);
    }
}

void sockq_editor_give_signals_back(struct sockq_editor *e)
{
    for (int i = 0; i < SOCKQ_EDITOR_SIGNALS; i++)
        sigaction(signals[i].number, &e->before[i], NULL);
    sigprocmask(SIG_SETMASK, &e->mask_before, NULL);
}

/* False once somebody else had the terminal. */
static bool is_editing(void)
{
    struct termios now;

    return tcgetattr(STDIN_FILENO, &now) == 0 && !(now.c_lflag & ICANON);
}

/* After that: the cursor is anywhere, and the size may be another. */
static void draw_again(struct sockq_editor *e)
{
    el_wset(e->el, EL_PREP_TERM, 0);
    el_wset(e->el, EL_PREP_TERM, 1);
    fputs("\r", stdout);
    el_resize(e->el);
    el_wset(e->el, EL_REFRESH);
}

/*
 * The rows between the first of the line on the screen and the cursor's. A terminal that becomes
 * narrower wraps the line anew, so this goes by the width that it has now.
 */
static int rows_above_cursor(const struct sockq_editor *e)
{
    const LineInfoW *line = el_wline(e->el);
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return 0;
    int columns = size.ws_col, column = (int)strlen(e->prompt) % columns;
    int rows = (int)strlen(e->prompt) / columns;
    for (const wchar_t *at = line->buffer; at < line->cursor; at++) {
        int width = wcwidth(*at);
        if (width < 0)
            width = 2; /* a control character is shown as ^X */
        if (column + width > columns) {
            rows++;
            column = 0;
        }
        column += width;
    }
    return rows + column / columns;
}

/* Draw the line anew where it stands, its cursor `forward` characters on. */
static void draw_in_place(struct sockq_editor *e, int forward)
{
    char *up = NULL, *clear = NULL;

    el_get(e->el, EL_GETTC, "up", &up);
    el_get(e->el, EL_GETTC, "cd", &clear);
    if (up && clear) {
        fputs("\r", stdout);
        for (int rows = rows_above_cursor(e); rows > 0; rows--)
            fputs(up, stdout);
        fputs(clear, stdout);
    }
    el_cursor(e->el, forward);
    el_resize(e->el);
    el_wset(e->el, EL_REFRESH);
}

int sockq_editor_leave_line(struct sockq_editor *e, const char *mark)
{
    const LineInfoW *line = el_wline(e->el);
    int behind = (int)(line->lastchar - line->cursor);

    if (behind > 0)
        draw_in_place(e, behind);
    fputs(mark, stdout);
    fputs("\r\n", stdout);
    fflush(stdout);
    return behind;
}

/* @return false if the line is to be given up */
static bool answer_signals(struct sockq_editor *e)
{
    if (interrupted) {
        sockq_editor_leave_line(e, "^C");
        e->interrupted = true;
        errno = EINTR;
        return false;
    }
    if (continued && !is_editing())
        draw_again(e);
    else if (continued || resized)
        draw_in_place(e, 0);
    continued = resized = 0;
    return true;
}

/* Take one byte more of a character. @return true if *key is set; bytes that are none are lost */
static bool decode(struct sockq_editor *e, char byte, wchar_t *key)
{
    const size_t wrong = (size_t)-1, incomplete = (size_t)-2;
    bool is_first = mbsinit(&e->decoding);
    size_t length = mbrtowc(key, &byte, 1, &e->decoding);

    if (length == wrong && !is_first) {
        memset(&e->decoding, 0, sizeof(e->decoding));
        length = mbrtowc(key, &byte, 1, &e->decoding);
    }
    if (length == wrong)
        memset(&e->decoding, 0, sizeof(e->decoding));
    if (length == 0)
        *key = L'\0';
    return length != wrong && length != incomplete;
}

/* ppoll lets none in where there are keys to read: Ctrl-C would come behind what follows it. */
static void let_signals_in(const struct sockq_editor *e)
{
    sigset_t closed;

    sigprocmask(SIG_SETMASK, &e->mask_waiting, &closed);
    sigprocmask(SIG_SETMASK, &closed, NULL);
}

int sockq_editor_read_key(EditLine *el, wchar_t *key)
{
    struct sockq_editor *e = NULL;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte;

    el_wget(el, EL_CLIENTDATA, &e);
    for (;;) {
        int ready = ppoll(&input, 1, NULL, &e->mask_waiting);
        if (ready < 0 && errno != EINTR)
            return -1;
        let_signals_in(e);
        if (!answer_signals(e))
            return -1;
        if (ready < 0)
            continue;
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return 0;
        if (decode(e, byte, key))
            return 1;
    }
}
