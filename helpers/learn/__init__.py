"""What the learner does: predicts, and solves exercises.

predict    buttons for the options of a question, and the line that answers it
exercises  runs a learner's answer and says in one sentence what is wrong
checks/    what an answer must do on the live cluster: a module a lesson
"""
