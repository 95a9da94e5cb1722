"""What the box did: how much was asked of it, how fast it answered, and what that cost.

types      pure: a request that ended, a look at the machine
bins       pure: all that is known of one stretch of time; bins add up
series     pure: bins side by side in bounded memory, and what is read out of them
totals     pure: what /metrics counts since the start
slots      pure: tokens that engines have made in answers that still run
recorder   follows requests and looks at the machine every five seconds
engines    asks engines for their running answers
store      minutes and quarter hours in the database
"""
