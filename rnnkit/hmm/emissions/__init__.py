"""What a hidden state puts out: log-likelihood of the observations, and the M-step."""
