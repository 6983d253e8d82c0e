/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-answers.h"

#include <string.h>

/* An answer may come to a system call: after so many the other sources of the context get their turn. */
#define ANSWERS_PER_TURN 256

/* Contexts come and go with their threads. When there are more boxes than this, those that nobody waits for are taken
 * away before another is made. */
#define MANY_BOXES 16

struct _KvAnswers {
  GMutex lock;      /* guards boxes */
  GPtrArray *boxes; /* (owned) (element-type KvAnswerBox) */
};

struct _KvAnswerBox {
  GSource source;
  GMainContext
    *context;   /* (owned) by the one who frees the box: a source must not outlive its context */
  gint waiting; /* atomic: answers, and others, that know this box */
  gboolean handed_to; /* by the thread that hands over, which is one at a time for a store */
  GMutex lock;        /* guards ready */
  GQueue ready;       /* links of answers that are to be given */
};

KvAnswer *
kv_answer_new (KvStore *store,
               const KvSubmitter *submitter,
               KvResult *results,
               guint length,
               const KvVerdict *verdict)
{
  gsize size = length * sizeof *results;
  KvAnswer *answer = g_malloc0 (sizeof *answer + size);

  answer->link.data = answer;
  answer->store = g_object_ref (store);
  answer->submitter = *submitter;
  answer->verdict = *verdict;
  answer->length = length;
  if (length > 0)
    {
      memcpy (answer->results, results, size);
      memset (results, 0, size);
    }
  return answer;
}

static void
give (KvAnswer *answer)
{
  kv_submitter_answer (&answer->submitter, answer->store, answer->results, answer->length,
                       &answer->verdict, answer->error);
  g_clear_error (&answer->error);
  if (answer->box != NULL)
    g_atomic_int_add (&answer->box->waiting, -1);
  g_object_unref (answer->store);
  g_free (answer);
}

static KvAnswer *
take_ready (KvAnswerBox *box)
{
  GList *link;

  g_mutex_lock (&box->lock);
  link = g_queue_pop_head_link (&box->ready);
  g_mutex_unlock (&box->lock);
  return link != NULL ? link->data : NULL;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  KvAnswerBox *box = (KvAnswerBox *) source;
  KvAnswer *answer;
  guint given = 0;

  /* Before looking: what is handed over from here on makes it ready again. */
  g_source_set_ready_time (source, -1);
  for (; given < ANSWERS_PER_TURN && (answer = take_ready (box)) != NULL; given++)
    give (answer);
  if (given == ANSWERS_PER_TURN)
    g_source_set_ready_time (source, 0);
  return G_SOURCE_CONTINUE;
}

static void
finalize (GSource *source)
{
  g_mutex_clear (&((KvAnswerBox *) source)->lock);
}

static GSourceFuncs box_funcs = { .dispatch = dispatch, .finalize = finalize };

static KvAnswerBox *
box_new (GMainContext *context)
{
  GSource *source = g_source_new (&box_funcs, sizeof (KvAnswerBox));
  KvAnswerBox *box = (KvAnswerBox *) source;

  g_source_set_static_name (source, "kvstore answers");
  box->context = g_main_context_ref (context);
  g_mutex_init (&box->lock);
  g_queue_init (&box->ready);
  g_source_attach (source, context);
  return box;
}

static void
box_free (gpointer data)
{
  KvAnswerBox *box = data;
  GMainContext *context = box->context;

  /* If the context is in the midst of dispatching it, it has a reference of its own. */
  g_source_destroy (&box->source);
  g_source_unref (&box->source);
  g_main_context_unref (context);
}

KvAnswers *
kv_answers_new (void)
{
  KvAnswers *answers = g_new0 (KvAnswers, 1);

  g_mutex_init (&answers->lock);
  answers->boxes = g_ptr_array_new_with_free_func (box_free);
  return answers;
}

void
kv_answers_free (KvAnswers *answers)
{
  g_ptr_array_unref (answers->boxes);
  g_mutex_clear (&answers->lock);
  g_free (answers);
}

static void
drop_idle (KvAnswers *answers)
{
  for (guint i = answers->boxes->len; i > 0; i--)
    {
      KvAnswerBox *box = answers->boxes->pdata[i - 1];

      if (g_atomic_int_get (&box->waiting) == 0)
        g_ptr_array_remove_index_fast (answers->boxes, i - 1);
    }
}

KvAnswerBox *
kv_answers_get_box (KvAnswers *answers)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  KvAnswerBox *box = NULL;

  g_mutex_lock (&answers->lock);
  for (guint i = 0; box == NULL && i < answers->boxes->len; i++)
    if (((KvAnswerBox *) answers->boxes->pdata[i])->context == context)
      box = answers->boxes->pdata[i];
  if (box == NULL)
    {
      if (answers->boxes->len >= MANY_BOXES)
        drop_idle (answers);
      box = box_new (context);
      g_ptr_array_add (answers->boxes, box);
    }
  g_atomic_int_inc (&box->waiting);
  g_mutex_unlock (&answers->lock);
  return box;
}

void
kv_answers_hand_over (GQueue *ready)
{
  g_autoptr (GPtrArray) boxes = g_ptr_array_new ();
  GList *link;

  while ((link = g_queue_pop_head_link (ready)) != NULL)
    {
      KvAnswer *answer = link->data;
      KvAnswerBox *box = answer->box;

      if (box == NULL)
        {
          give (answer);
          continue;
        }
      if (!box->handed_to)
        {
          box->handed_to = TRUE;
          g_atomic_int_inc (&box->waiting);
          g_ptr_array_add (boxes, box);
        }
      g_mutex_lock (&box->lock);
      g_queue_push_tail_link (&box->ready, &answer->link);
      g_mutex_unlock (&box->lock);
    }

  for (guint i = 0; i < boxes->len; i++)
    {
      KvAnswerBox *box = boxes->pdata[i];

      box->handed_to = FALSE;
      g_source_set_ready_time (&box->source, 0);
      g_atomic_int_add (&box->waiting, -1);
    }
}
