/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-poller.h"

#include "core/kv-error.h"
#include "kv-config.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_PER_TURN 128

/* Timers are due on a grid of this many microseconds, so that those of many connections share
 * one wake-up. */
#define TIMER_GRAIN (100 * G_TIME_SPAN_MILLISECOND)

/* What an event's slot refers to. The generation rises when an item leaves, so that an event
 * that was fetched for it in this turn finds nobody. */
typedef struct {
  KvHttpPollerItem *item; /* (nullable) (borrowed) */
  guint32 generation;
  guint next_free; /* slot number, 0 ends the list */
} Slot;

struct _KvHttpPoller {
  GSource source;
  int epoll_fd; /* (owned) */
  gpointer tag;
  gint64 now;    /* within a dispatch: when it began; else 0 */
  GArray *slots; /* (owned) (element-type Slot); number 0 is nobody's */
  guint free_slot;
  GPtrArray *heap; /* (owned) (element-type KvHttpTimer): by due; place 0 is nobody's */
};

static KvHttpTimer *
heap_get (KvHttpPoller *poller, guint index)
{
  return g_ptr_array_index (poller->heap, index);
}

static void
heap_set (KvHttpPoller *poller, guint index, KvHttpTimer *timer)
{
  g_ptr_array_index (poller->heap, index) = timer;
  timer->index = index;
}

static void
heap_sift_up (KvHttpPoller *poller, KvHttpTimer *timer)
{
  guint index = timer->index;

  while (index > 1 && heap_get (poller, index / 2)->due > timer->due)
    {
      heap_set (poller, index, heap_get (poller, index / 2));
      index /= 2;
    }
  heap_set (poller, index, timer);
}

static void
heap_sift_down (KvHttpPoller *poller, KvHttpTimer *timer)
{
  guint index = timer->index;
  guint last = poller->heap->len - 1;

  while (2 * index <= last)
    {
      guint child = 2 * index;

      if (child < last && heap_get (poller, child + 1)->due < heap_get (poller, child)->due)
        child++;
      if (heap_get (poller, child)->due >= timer->due)
        break;
      heap_set (poller, index, heap_get (poller, child));
      index = child;
    }
  heap_set (poller, index, timer);
}

static gboolean
poller_prepare (GSource *source, int *timeout)
{
  KvHttpPoller *poller = (KvHttpPoller *) source;
  gint64 left;

  *timeout = -1;
  if (poller->heap->len == 1)
    return FALSE;

  left = heap_get (poller, 1)->due - g_source_get_time (source);
  if (left <= 0)
    return TRUE;
  *timeout = (int) MIN ((left + 999) / 1000, G_MAXINT);
  return FALSE;
}

static gboolean
poller_check (GSource *source)
{
  KvHttpPoller *poller = (KvHttpPoller *) source;

  if (g_source_query_unix_fd (source, poller->tag) != 0)
    return TRUE;
  return poller->heap->len > 1 && heap_get (poller, 1)->due <= g_source_get_time (source);
}

static void
dispatch_items (KvHttpPoller *poller)
{
  struct epoll_event events[EVENTS_PER_TURN];
  int n_events = epoll_wait (poller->epoll_fd, events, EVENTS_PER_TURN, 0);

  for (int i = 0; i < n_events; i++)
    {
      guint number = (guint32) events[i].data.u64;
      guint32 generation = (guint32) (events[i].data.u64 >> 32);
      const Slot *slot = &g_array_index (poller->slots, Slot, number);

      if (slot->item != NULL && slot->generation == generation)
        slot->item->func (slot->item, events[i].events);
    }
}

static void
dispatch_timers (KvHttpPoller *poller, gint64 now)
{
  while (poller->heap->len > 1 && heap_get (poller, 1)->due <= now)
    {
      KvHttpTimer *timer = heap_get (poller, 1);

      kv_http_poller_clear_timer (poller, timer);
      timer->func (timer);
    }
}

static gboolean
poller_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  KvHttpPoller *poller = (KvHttpPoller *) source;

  poller->now = g_source_get_time (source);
  if (g_source_query_unix_fd (source, poller->tag) != 0)
    dispatch_items (poller);
  dispatch_timers (poller, poller->now);
  poller->now = 0;
  return G_SOURCE_CONTINUE;
}

static void
poller_finalize (GSource *source)
{
  KvHttpPoller *poller = (KvHttpPoller *) source;

  close (poller->epoll_fd);
  g_array_unref (poller->slots);
  g_ptr_array_unref (poller->heap);
}

static GSourceFuncs poller_funcs = {
  .prepare = poller_prepare,
  .check = poller_check,
  .dispatch = poller_dispatch,
  .finalize = poller_finalize,
};

KvHttpPoller *
kv_http_poller_new (GMainContext *context, GError **error)
{
  const Slot nobody = { NULL, 0, 0 };
  int epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  KvHttpPoller *poller;
  GSource *source;

  if (epoll_fd < 0)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE, _ ("Cannot make an epoll set: %s"),
                   g_strerror (errno));
      return NULL;
    }

  source = g_source_new (&poller_funcs, sizeof (KvHttpPoller));
  poller = (KvHttpPoller *) source;
  poller->epoll_fd = epoll_fd;
  poller->slots = g_array_new (FALSE, FALSE, sizeof (Slot));
  g_array_append_val (poller->slots, nobody);
  poller->heap = g_ptr_array_new ();
  g_ptr_array_add (poller->heap, NULL);

  g_source_set_static_name (source, "KvHttpPoller");
  /* Nobody runs a loop within a loop here. Said for what it saves: without it GLib takes the
   * descriptor out of its set before each dispatch and puts it back after, and wakes itself up
   * each time. */
  g_source_set_can_recurse (source, TRUE);
  poller->tag = g_source_add_unix_fd (source, poller->epoll_fd, G_IO_IN);
  g_source_attach (source, context);
  return poller;
}

void
kv_http_poller_free (KvHttpPoller *poller)
{
  g_source_destroy (&poller->source);
  g_source_unref (&poller->source);
}

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
  struct epoll_event event;

  g_return_if_fail (item->slot != 0);

  if (item->events == events)
    return;
  event = make_event (poller, item->slot, events);
  if (epoll_ctl (poller->epoll_fd, EPOLL_CTL_MOD, item->fd, &event) < 0)
    g_critical ("epoll_ctl: %s", g_strerror (errno));
  item->events = events;
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

void
kv_http_poller_set_timer (KvHttpPoller *poller, KvHttpTimer *timer, gint64 delay)
{
  gint64 due = kv_http_poller_now (poller) + MAX (delay, 0);

  /* Always past now: a timer that arms itself anew cannot keep dispatch_timers() busy for ever. */
  timer->due = (due / TIMER_GRAIN + 1) * TIMER_GRAIN;
  if (timer->index == 0)
    {
      g_ptr_array_add (poller->heap, timer);
      timer->index = poller->heap->len - 1;
    }
  heap_sift_up (poller, timer);
  heap_sift_down (poller, timer);
}

void
kv_http_poller_clear_timer (KvHttpPoller *poller, KvHttpTimer *timer)
{
  guint index = timer->index;
  KvHttpTimer *last;

  if (index == 0)
    return;

  last = heap_get (poller, poller->heap->len - 1);
  g_ptr_array_set_size (poller->heap, (int) poller->heap->len - 1);
  timer->index = 0;
  if (last == timer)
    return;
  heap_set (poller, index, last);
  heap_sift_up (poller, last);
  heap_sift_down (poller, last);
}
