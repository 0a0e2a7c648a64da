"""What the learner does: predicts, turns the knobs, and solves exercises.

predict    buttons for the options of a question, and the line that answers it
panel      knobs and buttons over a live run, with a figure of its last seconds
drawn      knobs over a figure that a function draws, where nothing runs
knobs      sliders and choices, and what each of their values sets
exercises  runs a learner's answer and says in one sentence what is wrong
checks/    what an answer must do on the live cluster: a module a lesson
"""
