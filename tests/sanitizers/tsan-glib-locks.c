/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Tells ThreadSanitizer about GLib's locks.
 *
 * GMutex and GCond are futexes inside a GLib that was built without -fsanitize=thread, so that ThreadSanitizer cannot see them
 * and takes everything that they guard for a race. This file stands before GLib in the order of symbols: it calls the real
 * function and says what has happened, by the annotations of <sanitizer/tsan_interface.h>. Only the locks that our own code
 * takes come this way, and only those are claimed. It is linked into the threaded tests of a -Db_sanitize=thread
 * build and nowhere else. */

#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

/* Looked up once, as far as that goes: threads that come together here find the same. Never read but atomically, or this
 * would be a race itself. */
#define REAL(name)                                                                                 \
  static __typeof__ (&name) found;                                                                 \
  __typeof__ (&name) real = __atomic_load_n (&found, __ATOMIC_ACQUIRE);                            \
  if (real == NULL)                                                                                \
    {                                                                                              \
      real = (__typeof__ (&name)) dlsym (RTLD_NEXT, #name);                                        \
      __atomic_store_n (&found, real, __ATOMIC_RELEASE);                                           \
    }

#undef g_mutex_lock
#undef g_mutex_trylock
#undef g_mutex_unlock
#undef g_rw_lock_reader_lock
#undef g_rw_lock_reader_trylock
#undef g_rw_lock_reader_unlock
#undef g_rw_lock_writer_lock
#undef g_rw_lock_writer_trylock
#undef g_rw_lock_writer_unlock

/* Most locks here are zeroed memory that nobody initialises, so all are announced as such. */
#define KIND __tsan_mutex_linker_init

void
g_mutex_lock (GMutex *mutex)
{
  REAL (g_mutex_lock);
  __tsan_mutex_pre_lock (mutex, KIND);
  real (mutex);
  __tsan_mutex_post_lock (mutex, KIND, 0);
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  gboolean locked;

  REAL (g_mutex_trylock);
  __tsan_mutex_pre_lock (mutex, KIND | __tsan_mutex_try_lock);
  locked = real (mutex);
  __tsan_mutex_post_lock (
    mutex, KIND | __tsan_mutex_try_lock | (locked ? 0 : __tsan_mutex_try_lock_failed), 0);
  return locked;
}

void
g_mutex_unlock (GMutex *mutex)
{
  REAL (g_mutex_unlock);
  __tsan_mutex_pre_unlock (mutex, 0);
  real (mutex);
  __tsan_mutex_post_unlock (mutex, 0);
}

void
g_rw_lock_reader_lock (GRWLock *lock)
{
  REAL (g_rw_lock_reader_lock);
  __tsan_mutex_pre_lock (lock, KIND | __tsan_mutex_read_lock);
  real (lock);
  __tsan_mutex_post_lock (lock, KIND | __tsan_mutex_read_lock, 0);
}

gboolean
g_rw_lock_reader_trylock (GRWLock *lock)
{
  const unsigned flags = KIND | __tsan_mutex_read_lock | __tsan_mutex_try_lock;
  gboolean locked;

  REAL (g_rw_lock_reader_trylock);
  __tsan_mutex_pre_lock (lock, flags);
  locked = real (lock);
  __tsan_mutex_post_lock (lock, flags | (locked ? 0 : __tsan_mutex_try_lock_failed), 0);
  return locked;
}

void
g_rw_lock_reader_unlock (GRWLock *lock)
{
  REAL (g_rw_lock_reader_unlock);
  __tsan_mutex_pre_unlock (lock, __tsan_mutex_read_lock);
  real (lock);
  __tsan_mutex_post_unlock (lock, __tsan_mutex_read_lock);
}

void
g_rw_lock_writer_lock (GRWLock *lock)
{
  REAL (g_rw_lock_writer_lock);
  __tsan_mutex_pre_lock (lock, KIND);
  real (lock);
  __tsan_mutex_post_lock (lock, KIND, 0);
}

gboolean
g_rw_lock_writer_trylock (GRWLock *lock)
{
  gboolean locked;

  REAL (g_rw_lock_writer_trylock);
  __tsan_mutex_pre_lock (lock, KIND | __tsan_mutex_try_lock);
  locked = real (lock);
  __tsan_mutex_post_lock (
    lock, KIND | __tsan_mutex_try_lock | (locked ? 0 : __tsan_mutex_try_lock_failed), 0);
  return locked;
}

void
g_rw_lock_writer_unlock (GRWLock *lock)
{
  REAL (g_rw_lock_writer_unlock);
  __tsan_mutex_pre_unlock (lock, 0);
  real (lock);
  __tsan_mutex_post_unlock (lock, 0);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  REAL (g_cond_wait);
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  real (cond, mutex);
  __tsan_mutex_pre_lock (mutex, KIND);
  __tsan_mutex_post_lock (mutex, KIND, 0);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end)
{
  gboolean signalled;

  REAL (g_cond_wait_until);
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  signalled = real (cond, mutex, end);
  __tsan_mutex_pre_lock (mutex, KIND);
  __tsan_mutex_post_lock (mutex, KIND, 0);
  return signalled;
}

/* A context's lock is GLib's own affair, and so is what a source carries from the thread that attaches it to the one that
 * runs it: its memory, which that one frees, and what its callback is given. GLib wakes a context that somebody runs by a
 * file descriptor, which ThreadSanitizer sees; a source that comes while nobody does is told of where its running begins. */

guint
g_source_attach (GSource *source, GMainContext *context)
{
  REAL (g_source_attach);
  __tsan_release (context != NULL ? context : g_main_context_default ());
  return real (source, context);
}

void
g_main_context_dispatch (GMainContext *context)
{
  REAL (g_main_context_dispatch);
  __tsan_acquire (context);
  real (context);
}

/* As GLib does it, by functions that everybody may call, so that the dispatch goes by the one above: a source that comes after this
 * has begun, and before the context has an owner, wakes nobody. */
gboolean
g_main_context_iteration (GMainContext *context, gboolean may_block)
{
  GMainContext *self = context != NULL ? context : g_main_context_default ();
  g_autofree GPollFD *fds = g_new (GPollFD, 16);
  int timeout, priority, n_fds, room = 16;
  gboolean ready;

  g_assert_true (g_main_context_acquire (self));
  g_main_context_prepare (self, &priority);
  while ((n_fds = g_main_context_query (self, priority, &timeout, fds, room)) > room)
    {
      room = n_fds;
      fds = g_renew (GPollFD, fds, room);
    }
  g_main_context_get_poll_func (self) (fds, (guint) n_fds, may_block ? timeout : 0);
  ready = g_main_context_check (self, priority, fds, n_fds);
  g_main_context_dispatch (self);
  g_main_context_release (self);
  return ready;
}

void
g_main_loop_run (GMainLoop *loop)
{
  REAL (g_main_loop_run);
  __tsan_acquire (g_main_loop_get_context (loop));
  real (loop);
}
