"""What a right answer does on the live cluster: a module a lesson, ``lesson_NN.EXERCISES``."""
