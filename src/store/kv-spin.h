/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The locks of the store are held for some hundred nanoseconds, and to be put to sleep and woken costs a hundred times that,
 * for the one who waits and for whoever is put off a processor by the waking. So one who meets a taken lock looks again
 * some times, about two microseconds, before it lets the kernel decide; which it must when the holder itself has been
 * put off its processor. */

#define KV_SPIN_TRIES 64

static inline void
kv_spin_pause (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static inline gboolean
kv_spin_mutex_trylock (GMutex *mutex)
{
  for (guint i = 0; i < KV_SPIN_TRIES; i++)
    {
      if (g_mutex_trylock (mutex))
        return TRUE;
      kv_spin_pause ();
    }
  return FALSE;
}

static inline void
kv_spin_mutex_lock (GMutex *mutex)
{
  if (!kv_spin_mutex_trylock (mutex))
    g_mutex_lock (mutex);
}

static inline void
kv_spin_reader_lock (GRWLock *lock)
{
  for (guint i = 0; i < KV_SPIN_TRIES; i++)
    {
      if (g_rw_lock_reader_trylock (lock))
        return;
      kv_spin_pause ();
    }
  g_rw_lock_reader_lock (lock);
}

static inline void
kv_spin_writer_lock (GRWLock *lock)
{
  for (guint i = 0; i < KV_SPIN_TRIES; i++)
    {
      if (g_rw_lock_writer_trylock (lock))
        return;
      kv_spin_pause ();
    }
  g_rw_lock_writer_lock (lock);
}

G_END_DECLS
