/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-poller.h"

#include "core/kv-error.h"
#include "http/kv-http-timer-heap.h"
#include "kv-config.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_PER_TURN 128

/* Timers are due on a grid of this many microseconds, so that those of many connections share
 * one wake-up. */
#define TIMER_GRAIN (100 * G_TIME_SPAN_MILLISECOND)

/* Room for the descriptors of a guest that has few. */
#define FEW_POLLED 7

/* What an event's slot refers to. The generation rises when an item leaves, so that an event
 * that was fetched for it in this turn finds nobody. */
typedef struct {
  KvHttpPollerItem *item; /* (nullable) (borrowed) */
  guint32 generation;
  guint next_free; /* slot number, 0 ends the list */
} Slot;

struct _KvHttpPoller {
  int epoll_fd;  /* (owned) */
  gint64 now;    /* while something is dispatched: when that began; else 0 */
  gint64 found;  /* when something was last found ready */
  GArray *slots; /* (owned) (element-type Slot); number 0 is nobody's */
  guint free_slot;
  KvHttpTimerHeap *timers; /* (owned) */
  gboolean quitting;
  KvHttpPollerTurnFunc turn_func; /* (nullable) */
  gpointer turn_data;             /* (borrowed) */

  GMainContext *context;   /* (owned): the guest */
  KvHttpPollerItem wakeup; /* what the guest is woken by */
  gboolean woken;
  gboolean asked; /* whether what follows is what the guest said last */
  int priority;   /* of what the guest has ready */
  GArray
    *polled; /* (owned) (element-type GPollFD): what the guest waits for, and room for our own */
  guint n_polled;   /* of these, the guest's */
  gint64 guest_due; /* in monotonic microseconds */
};

/* --- the guest --- */

static void
on_wakeup (KvHttpPollerItem *item, guint32 events)
{
  KvHttpPoller *poller = (gpointer) ((char *) item - G_STRUCT_OFFSET (KvHttpPoller, wakeup));

  poller->woken = TRUE;
}

static GPollFD *
get_polled (KvHttpPoller *poller)
{
  return (GPollFD *) (gpointer) poller->polled->data;
}

/* Has the guest say what it waits for. Returns its time-out in milliseconds, -1 for none. */
static int
query_guest (KvHttpPoller *poller)
{
  int timeout;
  int n;

  while ((n = g_main_context_query (poller->context, poller->priority, &timeout,
                                    get_polled (poller), (int) poller->polled->len - 1))
         > (int) poller->polled->len - 1)
    g_array_set_size (poller->polled, (guint) n + 1);
  poller->n_polled = (guint) n;
  return timeout;
}

/* It says so once, and is not asked again until it has been woken or its time has come: whatever is attached to it or set
 * meanwhile, from whichever thread, wakes it up. */
static void
ask_guest (KvHttpPoller *poller)
{
  gboolean owned = g_main_context_acquire (poller->context);
  int timeout;

  g_assert (owned);
  g_main_context_prepare (poller->context, &poller->priority);
  timeout = query_guest (poller);
  g_main_context_release (poller->context);
  poller->guest_due =
    timeout < 0 ? G_MAXINT64 : g_get_monotonic_time () + timeout * G_TIME_SPAN_MILLISECOND;
  poller->woken = FALSE;
  poller->asked = TRUE;
}

/* Mostly it waits for nothing but to be woken up, and that is in the epoll set. */
static gboolean
guest_has_more (KvHttpPoller *poller)
{
  return poller->n_polled > 1
         || (poller->n_polled == 1 && get_polled (poller)->fd != poller->wakeup.fd);
}

static gboolean
guest_is_due (KvHttpPoller *poller)
{
  return poller->woken || guest_has_more (poller) || poller->guest_due <= poller->now;
}

static gboolean
run_guest (KvHttpPoller *poller)
{
  gboolean owned = g_main_context_acquire (poller->context);
  GPollFD *polled = get_polled (poller);
  gboolean ready;

  g_assert (owned);
  if (poller->n_polled == 1 && !guest_has_more (poller))
    polled->revents = poller->woken ? G_IO_IN : 0;
  ready = g_main_context_check (poller->context, poller->priority, polled, (int) poller->n_polled);
  if (ready)
    g_main_context_dispatch (poller->context);
  g_main_context_release (poller->context);
  poller->asked = FALSE;
  return ready;
}

/* The descriptor that a context is woken by is the one that it polls when it has no sources yet. */
static gboolean
invite_guest (KvHttpPoller *poller)
{
  poller->wakeup.func = on_wakeup;
  ask_guest (poller);
  poller->asked = FALSE;
  g_assert (poller->n_polled == 1);
  return kv_http_poller_add (poller, &poller->wakeup, get_polled (poller)->fd, EPOLLIN);
}

/* --- turns --- */

static int
get_timeout (KvHttpPoller *poller, gint64 now)
{
  const KvHttpTimer *timer = kv_http_timer_heap_get_first (poller->timers);
  gint64 due, left;

  if (!poller->asked)
    ask_guest (poller);
  due = MIN (poller->guest_due, timer != NULL ? timer->due : G_MAXINT64);
  if (due == G_MAXINT64)
    return -1;
  left = due - now;
  return (int) CLAMP ((left + 999) / 1000, 0, G_MAXINT);
}

int
kv_http_poller_get_timeout (KvHttpPoller *poller)
{
  return get_timeout (poller, g_get_monotonic_time ());
}

/* Waits with poll(), for what the guest waits for and for the epoll set: a descriptor of somebody else's may be closed, and
 * its number used again, without our knowing, which an epoll set does not forgive. */
static void
wait_for_guest_too (KvHttpPoller *poller, int timeout)
{
  GPollFD *polled = get_polled (poller);

  polled[poller->n_polled] = (GPollFD){ .fd = poller->epoll_fd, .events = G_IO_IN };
  for (guint i = 0; i < poller->n_polled; i++)
    polled[i].revents = 0;
  g_poll (polled, poller->n_polled + 1, timeout);
}

static gboolean
dispatch_items (KvHttpPoller *poller, const struct epoll_event *events, int n_events)
{
  poller->now = poller->found = g_get_monotonic_time ();
  for (int i = 0; i < n_events; i++)
    {
      guint number = (guint32) events[i].data.u64;
      guint32 generation = (guint32) (events[i].data.u64 >> 32);
      const Slot *slot = &g_array_index (poller->slots, Slot, number);

      if (slot->item != NULL && slot->generation == generation)
        slot->item->func (slot->item, events[i].events);
    }
  return n_events > 0;
}

static gboolean
dispatch_timers (KvHttpPoller *poller)
{
  KvHttpTimer *timer;
  gboolean fired = FALSE;

  while ((timer = kv_http_timer_heap_get_first (poller->timers)) != NULL
         && timer->due <= poller->now)
    {
      kv_http_timer_heap_remove (poller->timers, timer);
      timer->func (timer);
      fired = TRUE;
    }
  return fired;
}

gboolean
kv_http_poller_iterate (KvHttpPoller *poller, gboolean may_block)
{
  struct epoll_event events[EVENTS_PER_TURN];
  gboolean dispatched, guest;
  gint64 began = g_get_monotonic_time ();
  int timeout = get_timeout (poller, began);

  if (poller->turn_func != NULL)
    poller->turn_func (poller->turn_data, began - poller->found);
  if (!may_block)
    timeout = 0;
  if (guest_has_more (poller))
    {
      wait_for_guest_too (poller, timeout);
      timeout = 0;
    }
  dispatched = dispatch_items (poller, events,
                               epoll_wait (poller->epoll_fd, events, EVENTS_PER_TURN, timeout));
  dispatched = dispatch_timers (poller) || dispatched;
  guest = guest_is_due (poller);
  poller->now = 0;
  if (guest)
    dispatched = run_guest (poller) || dispatched;
  return dispatched;
}

void
kv_http_poller_run (KvHttpPoller *poller)
{
  poller->quitting = FALSE;
  while (!poller->quitting)
    kv_http_poller_iterate (poller, TRUE);
}

void
kv_http_poller_quit (KvHttpPoller *poller)
{
  poller->quitting = TRUE;
}

/* --- life --- */

/* A context that cannot have the one that it needs ends the program. */
static gboolean
can_have_descriptor (void)
{
  int fd = eventfd (0, EFD_CLOEXEC);
  int saved = errno;

  if (fd >= 0)
    close (fd);
  errno = saved;
  return fd >= 0;
}

KvHttpPoller *
kv_http_poller_new (GError **error)
{
  const Slot nobody = { NULL, 0, 0 };
  g_autoptr (KvHttpPoller) poller = g_new0 (KvHttpPoller, 1);

  poller->slots = g_array_new (FALSE, FALSE, sizeof (Slot));
  g_array_append_val (poller->slots, nobody);
  poller->timers = kv_http_timer_heap_new ();
  poller->polled = g_array_new (FALSE, TRUE, sizeof (GPollFD));
  g_array_set_size (poller->polled, FEW_POLLED + 1);
  poller->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (poller->epoll_fd >= 0 && can_have_descriptor ())
    {
      poller->context = g_main_context_new_with_flags (G_MAIN_CONTEXT_FLAGS_OWNERLESS_POLLING);
      if (invite_guest (poller))
        return g_steal_pointer (&poller);
    }

  g_set_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE, _ ("Cannot make an epoll set: %s"),
               g_strerror (errno));
  return NULL;
}

void
kv_http_poller_free (KvHttpPoller *poller)
{
  g_clear_pointer (&poller->context, g_main_context_unref);
  if (poller->epoll_fd >= 0)
    close (poller->epoll_fd);
  g_array_unref (poller->polled);
  kv_http_timer_heap_free (poller->timers);
  g_array_unref (poller->slots);
  g_free (poller);
}

void
kv_http_poller_set_turn_func (KvHttpPoller *poller, KvHttpPollerTurnFunc func, gpointer user_data)
{
  poller->turn_func = func;
  poller->turn_data = user_data;
}

GMainContext *
kv_http_poller_get_context (KvHttpPoller *poller)
{
  return poller->context;
}

/* --- items --- */

static guint
take_slot (KvHttpPoller *poller)
{
  const Slot fresh = { NULL, 0, 0 };
  guint number = poller->free_slot;

  if (number != 0)
    {
      poller->free_slot = g_array_index (poller->slots, Slot, number).next_free;
      return number;
    }
  g_array_append_val (poller->slots, fresh);
  return poller->slots->len - 1;
}

static void
give_slot_back (KvHttpPoller *poller, guint number)
{
  Slot *slot = &g_array_index (poller->slots, Slot, number);

  slot->item = NULL;
  slot->generation++;
  slot->next_free = poller->free_slot;
  poller->free_slot = number;
}

static struct epoll_event
make_event (KvHttpPoller *poller, guint number, guint32 events)
{
  guint32 generation = g_array_index (poller->slots, Slot, number).generation;

  return (struct epoll_event){
    .events = events,
    .data.u64 = (guint64) generation << 32 | number,
  };
}

gboolean
kv_http_poller_add (KvHttpPoller *poller, KvHttpPollerItem *item, int fd, guint32 events)
{
  guint number;
  struct epoll_event event;

  g_return_val_if_fail (item->slot == 0, FALSE);

  number = take_slot (poller);
  event = make_event (poller, number, events);
  if (epoll_ctl (poller->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
    {
      give_slot_back (poller, number);
      return FALSE;
    }

  g_array_index (poller->slots, Slot, number).item = item;
  item->fd = fd;
  item->events = events;
  item->slot = number;
  return TRUE;
}

void
kv_http_poller_modify (KvHttpPoller *poller, KvHttpPollerItem *item, guint32 events)
{
  if (item->events == events)
    return;
  item->events = events;
  kv_http_poller_rearm (poller, item);
}

void
kv_http_poller_rearm (KvHttpPoller *poller, KvHttpPollerItem *item)
{
  struct epoll_event event;

  g_return_if_fail (item->slot != 0);

  event = make_event (poller, item->slot, item->events);
  if (epoll_ctl (poller->epoll_fd, EPOLL_CTL_MOD, item->fd, &event) < 0)
    g_critical ("epoll_ctl: %s", g_strerror (errno));
}

void
kv_http_poller_remove (KvHttpPoller *poller, KvHttpPollerItem *item)
{
  if (item->slot == 0)
    return;
  if (epoll_ctl (poller->epoll_fd, EPOLL_CTL_DEL, item->fd, NULL) < 0)
    g_critical ("epoll_ctl: %s", g_strerror (errno));
  give_slot_back (poller, item->slot);
  item->slot = 0;
}

gint64
kv_http_poller_now (KvHttpPoller *poller)
{
  return poller->now != 0 ? poller->now : g_get_monotonic_time ();
}

gint64
kv_http_poller_get_duration (KvHttpPoller *poller)
{
  return g_get_monotonic_time () - poller->found;
}

void
kv_http_poller_set_timer (KvHttpPoller *poller, KvHttpTimer *timer, gint64 delay)
{
  gint64 due = kv_http_poller_now (poller) + MAX (delay, 0);

  /* Always past now: a timer that arms itself anew cannot keep dispatch_timers() busy for ever. */
  kv_http_timer_heap_set (poller->timers, timer, (due / TIMER_GRAIN + 1) * TIMER_GRAIN);
}

void
kv_http_poller_clear_timer (KvHttpPoller *poller, KvHttpTimer *timer)
{
  kv_http_timer_heap_remove (poller->timers, timer);
}
